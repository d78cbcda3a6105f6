import { beforeAll, describe, expect, test } from 'vitest'
import { launchTd, type SimulatedPlatform, type SimulatedTd } from '@jeju/simulator'
import {
  describeChecks,
  EVIDENCE_CHECKS,
  simulatedTrustAnchor,
  verifyEvidence,
  type Check,
  type Report,
  type VerificationContext,
} from '@jeju/verifier'
import { decodeEvidence, sha256, toHex, utf8 } from '@jeju/verifier/protocol'
import { failedChecks } from '../../check-names.ts'
import { policyOf } from '../../simulated-trust.ts'
import { appCompose, AT, contextFor, evidenceOf, machine, type Changes } from './fixture.ts'

let platform: SimulatedPlatform
let td: SimulatedTd

beforeAll(async () => {
  ;({ platform, td } = await machine())
})

const code = (expected: string): unknown => expect.objectContaining({ code: expected })

async function judge(
  changes: Changes = {},
  context: Partial<VerificationContext> = {},
): Promise<Report> {
  return verifyEvidence(await evidenceOf(td, changes), contextFor(platform, td, context))
}

function refusedFor({ verdict }: Report): readonly string[] {
  return verdict.outcome === 'refused' ? verdict.reasons.map(({ check }) => check) : []
}

function statusOf({ checks }: Report, name: string): Check['status'] | undefined {
  return checks.find((check) => check.name === name)?.status
}

describe('honest evidence', () => {
  test('every check passes', async () => {
    const { checks } = await judge()
    for (const { name, status } of checks) {
      expect(status, name).toBe('passed')
    }
    expect(describeChecks(checks)).toHaveLength(EVIDENCE_CHECKS.length)
  })

  test('the verdict is about the bytes and the time handed in, whatever becomes of them', async () => {
    const evidence = await evidenceOf(td)
    const digest = toHex(sha256(evidence))
    const at = new Date(AT)
    const pending = verifyEvidence(evidence, contextFor(platform, td, { at }))
    evidence.fill(0)
    at.setTime(0)
    const { verdict } = await pending
    expect(verdict).toMatchObject({ claims: { evidenceDigest: digest, verifiedAt: AT } })
  })
})

describe('nothing is judged by what is not signed', () => {
  test('A12 compose_check_requires_replay: without a replay no event has a meaning', async () => {
    const other = launchTd(platform, { appCompose })
    const { eventLog } = decodeEvidence(await evidenceOf(other))
    const report = await judge({ bundle: { eventLog } })
    expect(failedChecks(report)).toEqual(['event-log'])
    for (const name of ['compose-hash', 'compose-allowed', 'instance-identity']) {
      expect(statusOf(report, name)).toBe('skipped')
      expect(refusedFor(report)).toContain(name)
    }
  })

  test('A12 a compose file that is not the measured one is never looked up', async () => {
    const other = utf8('{}')
    const policy = { ...policyOf(td), composeHashes: [toHex(sha256(other))] }
    const report = await judge({ bundle: { appCompose: other } }, { policy })
    expect(statusOf(report, 'compose-hash')).toBe('failed')
    expect(statusOf(report, 'compose-allowed')).toBe('skipped')
  })

  test('A5 registers of two listed images do not mix', async () => {
    const policy = policyOf(td)
    const zero = `0x${'00'.repeat(48)}` as const
    for (const register of ['mrtd', 'rtmr0', 'rtmr1', 'rtmr2'] as const) {
      const osImages = policy.osImages.map((image) => ({ ...image, [register]: zero }))
      const report = await judge({}, { policy: { ...policy, osImages } })
      expect(failedChecks(report), register).toEqual(['os-image-allowed'])
    }
    const osImages = policy.osImages.flatMap((image) => [
      { ...image, mrtd: zero },
      { ...image, rtmr2: zero },
    ])
    const mixed = await judge({}, { policy: { ...policy, osImages } })
    expect(failedChecks(mixed)).toEqual(['os-image-allowed'])
  })

  test('A11 measurement_parsed_from_quote: what vmConfig states is not read', async () => {
    const stated = { ...td.measurements, mrtd: '00', td_attributes: '00', tcb_status: 'UpToDate' }
    const report = await judge({ bundle: { vmConfig: JSON.stringify(stated) } })
    expect(report.verdict).toMatchObject({ claims: { measurements: td.measurements } })
  })

  test('B12 self_declared_flags_ignored', async () => {
    const flags = JSON.stringify({ tee_is_real: true, is_simulated: false, tier: 'tdx' })
    const bundle = { vmConfig: flags, collateral: '{"tcbStatus":"UpToDate"}' }
    const report = await judge({ bundle })
    expect(report.verdict).toMatchObject({ outcome: 'verified', tier: 'simulated' })
    const policy = { ...policyOf(td), tiers: ['tdx'] as const }
    expect(refusedFor(await judge({ bundle }, { policy }))).toEqual(['tier'])
  })
})

describe('signatures first', () => {
  const below = ({ checks }: Report): ReadonlySet<string> =>
    new Set(checks.slice(EVIDENCE_CHECKS.indexOf('td-attributes')).map(({ status }) => status))

  test('B6 signature_checked_before_replay: nothing below an invalid signature is looked at', async () => {
    const { quote } = decodeEvidence(await evidenceOf(td))
    const changed = quote.slice()
    changed[568] = (changed[568] ?? 0) ^ 1
    const report = await judge({ bundle: { quote: changed, eventLog: 'not even JSON' } })
    expect(failedChecks(report)).toEqual(['quote-signature'])
    expect(below(report)).toEqual(new Set(['skipped']))
    expect(report.checks.map(({ name }) => name)).toEqual([...EVIDENCE_CHECKS])
  })

  test('B6 oversize_log_rejected_fast', async () => {
    const entry = { imr: 3, event_type: 0x08000001, event: 'x', event_payload: '' }
    const many = JSON.stringify(Array.from({ length: 2_000 }, () => entry))
    for (const eventLog of [many, ' '.repeat(600_000)]) {
      const { checks } = await judge({ bundle: { eventLog } })
      expect(checks.find(({ name }) => name === 'event-log')).toMatchObject({
        status: 'failed',
        actual: expect.stringContaining('more than') as unknown,
      })
    }
  })

  test('B12 simulated_root_rejected: under another simulated root', async () => {
    const other = await machine()
    const trustAnchor = simulatedTrustAnchor('other', other.platform.rootCertificateDer)
    const report = await judge({}, { trustAnchor })
    expect(failedChecks(report)).toEqual(['pck-chain'])
    expect(below(report)).toEqual(new Set(['skipped']))
  })
})

describe('policy', () => {
  test('an empty list of tiers accepts none', async () => {
    expect(refusedFor(await judge({}, { policy: { ...policyOf(td), tiers: [] } }))).toEqual([
      'tier',
    ])
  })
})

test('input that nobody can judge throws with a code', async () => {
  const context = contextFor(platform, td)
  const evidence = await evidenceOf(td)
  for (const input of [utf8('{}'), new Uint8Array(0), new Uint8Array([...evidence, 0])]) {
    await expect(verifyEvidence(input, context)).rejects.toThrow(code('INPUT_CBOR'))
  }
  const bundle = { quote: new Uint8Array(0) }
  await expect(judge({ bundle })).rejects.toThrow(code('INPUT_TRUNCATED'))
})
