import { beforeAll, describe, expect, test } from 'vitest'
import {
  runtimeEvent,
  type LogEvent,
  type SimulatedPlatform,
  type SimulatedTd,
} from '@jeju/simulator'
import {
  EVIDENCE_CHECKS,
  parseCollateral,
  QuoteVerifier,
  intelTrustAnchor,
  verifyEvidence,
} from '@jeju/verifier'
import { bindingIdOf, concatBytes, fromHex, sha256, utf8 } from '@jeju/verifier/protocol'
import { policyOf } from '../../simulated-trust.ts'
import {
  AT,
  challenge,
  contextFor,
  evidenceOf,
  machine,
  nonce,
  registry,
  statementOf,
  type Changes,
} from './fixture.ts'
import { takesAnyGpu } from '../../gpu-policy.ts'
import { failures, judgeLiar } from './outcome.ts'

let platform: SimulatedPlatform
let td: SimulatedTd

beforeAll(async () => {
  ;({ platform, td } = await machine())
})

async function refused(
  changes: Changes,
  context: Parameters<typeof contextFor>[2] = {},
): Promise<readonly string[]> {
  return failures(
    await verifyEvidence(await evidenceOf(td, changes), contextFor(platform, td, context)),
  )
}

describe('honest evidence', () => {
  test('is verified, with claims, tier and the checks that were not made', async () => {
    const { verdict, checks } = await verifyEvidence(await evidenceOf(td), contextFor(platform, td))
    if (verdict.outcome !== 'verified') throw new Error('refused')
    expect(verdict.tier).toBe('simulated')
    expect(verdict.claims.bindingId).toBe(bindingIdOf(statementOf(td), registry))
    expect(verdict.claims.composeHash).toBe(td.composeHash)
    expect(checks.map(({ name }) => name)).toEqual(EVIDENCE_CHECKS)
  })

  test('of a registration is verified for that block only', async () => {
    const block = {
      kind: 'registration',
      blockNumber: 7n,
      blockHash: `0x${'bb'.repeat(32)}`,
    } as const
    const evidence = await evidenceOf(td, { freshness: block })
    const judged = async (freshness: typeof challenge): Promise<string> =>
      (await verifyEvidence(evidence, contextFor(platform, td, { freshness }))).verdict.outcome
    expect(await judged(block)).toBe('verified')
    expect(await judged({ ...block, blockNumber: 8n })).toBe('refused')
    expect(await judged(challenge)).toBe('refused')
  })

  test('is verified by a verifier that is kept, and not by one of another anchor', async () => {
    const evidence = await evidenceOf(td)
    const context = contextFor(platform, td)
    const quoteVerifier = new QuoteVerifier(context.trustAnchor)
    for (let again = 0; again < 2; again++) {
      const { verdict } = await verifyEvidence(evidence, { ...context, quoteVerifier })
      expect(verdict.outcome).toBe('verified')
    }
    const other = new QuoteVerifier(intelTrustAnchor())
    await expect(
      verifyEvidence(evidence, { ...context, quoteVerifier: other }),
    ).rejects.toMatchObject({ code: 'TRUST_ANCHOR_INVALID' })
  })

  test('of dstack 0.6 is verified too', async () => {
    expect((await judgeLiar({ profile: '0.6.0' })).verdict.outcome).toBe('verified')
  })
})

describe('event log and measurement', () => {
  const swapPayload = (events: readonly LogEvent[]): readonly LogEvent[] =>
    events.map((event) =>
      event.name === 'compose-hash' ? { ...event, payload: sha256(utf8('other')) } : event,
    )

  test('A1 eventlog_payload_swap_rejected', async () => {
    const report = await judgeLiar({ lies: { servedEvents: swapPayload } })
    expect(failures(report)).toEqual(['event-log'])
  })

  test('A2 eventlog_degenerate_rejected', async () => {
    for (const eventLog of [
      '',
      '[]',
      '{}',
      'null',
      '[1]',
      '[{"imr":3}]',
      `[${'{},'.repeat(2000)}{}]`,
    ]) {
      expect(await refused({ bundle: { eventLog } })).toContain('event-log')
    }
  })

  test('A3 eventlog_wrong_type_ignored, eventlog_duplicate_rejected', async () => {
    const wrongType = (events: readonly LogEvent[]): readonly LogEvent[] =>
      events.map((event) => (event.name === 'app-id' ? { ...event, eventType: 1 } : event))
    expect(failures(await judgeLiar({ lies: { servedEvents: wrongType } }))).toEqual(['event-log'])
    const doubled = (events: readonly LogEvent[]): readonly LogEvent[] =>
      events.flatMap((event) => (event.name === 'compose-hash' ? [event, event] : [event]))
    expect(failures(await judgeLiar({ lies: { runtimeEvents: doubled } }))).toEqual(['event-log'])
  })

  test('A4 eventlog_app_event_cannot_spoof_platform', async () => {
    const honest = await machine()
    const other = sha256(utf8('other compose'))
    honest.td.emitEvent('compose-hash', other)
    honest.td.emitEvent('instance-id', other.slice(0, 20))
    const report = await verifyEvidence(
      await evidenceOf(honest.td),
      contextFor(honest.platform, honest.td),
    )
    expect(report.verdict.outcome).toBe('verified')
    const replaced = (events: readonly LogEvent[]): readonly LogEvent[] => [
      ...events.filter(({ name }) => name !== 'compose-hash'),
      runtimeEvent(
        'compose-hash',
        sha256(utf8('{"docker_compose_file":"services: {}","name":"node"}')),
      ),
    ]
    const late = await judgeLiar({ lies: { runtimeEvents: replaced } })
    expect(failures(late)).toEqual(['compose-hash'])
  })

  test('A5 os_image_unlisted_rejected, empty_allowlist_refuses_all', async () => {
    const policy = policyOf(td)
    const [image] = policy.osImages
    if (image === undefined) throw new Error('no image')
    const other = { ...image, rtmr1: image.rtmr0 }
    expect(await refused({}, { policy: { ...policy, osImages: [other] } })).toEqual([
      'os-image-allowed',
    ])
    expect(await refused({}, { policy: { ...policy, osImages: [] } })).toEqual(['os-image-allowed'])
    expect(await refused({}, { policy: { ...policy, composeHashes: [] } })).toEqual([
      'compose-allowed',
    ])
  })

  test('A8 td_debug_rejected, mrconfigid_mismatch_rejected', async () => {
    expect(failures(await judgeLiar({ lies: { debug: true } }))).toEqual(['td-attributes'])
    const mrConfigId = concatBytes(Uint8Array.of(1), new Uint8Array(47).fill(1))
    expect(failures(await judgeLiar({ lies: { mrConfigId } }))).toEqual(['mr-config-id'])
    const unset = { mrConfigId: new Uint8Array(48) }
    expect((await judgeLiar({ lies: unset })).verdict.outcome).toBe('verified')
  })

  test('A11, A12: the compose file judged is the measured one', async () => {
    const other = utf8('{"name":"another"}')
    expect(await refused({ bundle: { appCompose: other } })).toEqual([
      'compose-hash',
      'mr-config-id',
    ])
  })

  test('the tampered node: a changed compose is refused by name, even though it proves itself', async () => {
    const report = await verifyEvidence(
      await evidenceOf(td),
      contextFor(platform, td, {
        policy: { ...policyOf(td), composeHashes: [`0x${'00'.repeat(32)}`] },
      }),
    )
    expect(failures(report)).toEqual(['compose-allowed'])
  })
})

describe('binding and freshness', () => {
  test('C1 replayed_report_rejected', async () => {
    const other = { kind: 'challenge', nonce: `0x${'ab'.repeat(32)}` } as const
    expect(await refused({ freshness: other })).toEqual(['freshness'])
  })

  test('C3, C4: other layouts of the report data are refused', async () => {
    const bindingId = fromHex(bindingIdOf(statementOf(td), registry))
    for (const data of [
      concatBytes(bindingId, fromHex(nonce)),
      concatBytes(bindingId, new Uint8Array(32)),
      concatBytes(new Uint8Array(32), bindingId),
    ]) {
      expect(await refused({ reportData: data })).toContain('freshness')
    }
  })

  test('C5 unbound_key_rejected, C12 json_report_data_ignored', async () => {
    const { keyset } = {
      keyset:
        '{"e2ee_public_keys":[],"not_after":1900000000,"receipt_signing_keys":[],"subject":null,"tls_public_keys":[]}',
    }
    expect(await refused({ bundle: { keyset } })).toEqual(['keyset'])
    const signer = `0x${'99'.repeat(20)}` as const
    const statement = { ...statementOf(td), signer }
    expect(await refused({ bundle: { statement } })).toEqual(['statement-binding', 'key-custody'])
  })

  test('C6 sibling_bundle_rejected: another instance of the same image', async () => {
    const instanceId = `0x${'00'.repeat(12)}${'77'.repeat(20)}` as const
    expect(await refused({ statement: { instanceId } })).toEqual(['instance-identity'])
  })

  test('C7 same_image_other_owner_rejected', async () => {
    expect(await refused({ statement: { operator: `0x${'0b'.repeat(20)}` } })).toEqual([
      'statement-identity',
    ])
    expect(await refused({ statement: { agentId: 1n } })).toEqual(['statement-identity'])
    const elsewhere = { ...registry, chainId: 8453n }
    expect(await refused({}, { registry: elsewhere })).toEqual(['statement-binding'])
  })

  test('C11 not_after_bound', async () => {
    const early = new Date(AT.getTime() - 15 * 24 * 3600 * 1000)
    for (const at of [new Date('2030-06-01'), early]) {
      const collateral = parseCollateral(await platform.collateralJson(at))
      expect(await refused({}, { at, collateral })).toEqual(['keyset'])
    }
  })

  test('D1, D3: a GPU is neither assumed nor accepted unjudged', async () => {
    expect(await refused({}, { policy: { ...policyOf(td), gpu: takesAnyGpu } })).toEqual([
      'gpu-evidence',
    ])
    expect(await refused({ bundle: { gpuEvidence: utf8('{}') } })).toEqual([
      'freshness',
      'gpu-evidence',
    ])
  })
})
