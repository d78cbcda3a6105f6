import { beforeAll, describe, expect, test } from 'vitest'
import { type SimulatedPlatform, type SimulatedTd } from '@jeju/simulator'
import {
  DEFAULT_TCB_POLICY,
  intelTrustAnchor,
  simulatedTrustAnchor,
  verifyEvidence,
  type Report,
  type TrustAnchor,
  type Verdict,
} from '@jeju/verifier'
import { bindingIdOf, reportData, sha256, ZERO_DIGEST } from '@jeju/verifier/protocol'
import { policyOf } from '../../simulated-trust.ts'
import { AT, challenge, contextFor, evidenceOf, machine, registry, statementOf } from './fixture.ts'
import { failures, judgeLiar } from './outcome.ts'

let platform: SimulatedPlatform
let td: SimulatedTd

beforeAll(async () => {
  ;({ platform, td } = await machine())
})

async function refused(context: Parameters<typeof contextFor>[2]): Promise<readonly string[]> {
  return failures(await verifyEvidence(await evidenceOf(td), contextFor(platform, td, context)))
}

describe('quote and roots', () => {
  test('B9 attestation_key_unbound_rejected', async () => {
    const report = await judgeLiar({}, { unboundAttestationKey: true })
    expect(failures(report)).toEqual(['qe-report-binding'])
    expect(report.checks.find(({ name }) => name === 'event-log')?.status).toBe('skipped')
  })

  test('B12 simulated_root_rejected', async () => {
    const policy = policyOf(td)
    const evidence = await evidenceOf(td)
    const intel = await verifyEvidence(
      evidence,
      contextFor(platform, td, { trustAnchor: intelTrustAnchor() }),
    )
    expect(failures(intel)).toEqual(['pck-chain'])
    const production = { ...policy, tiers: ['tdx'] as const }
    const report = await verifyEvidence(evidence, contextFor(platform, td, { policy: production }))
    expect(failures(report)).toEqual([])
    expect(report.verdict).toMatchObject({ reasons: [{ check: 'tier' }] })
  })

  test('B12 self_declared_flags_ignored: an anchor that claims a tier is refused', async () => {
    const genuine = simulatedTrustAnchor('x', platform.rootCertificateDer)
    const claimed: TrustAnchor = { ...genuine, tier: 'tdx' }
    const context = contextFor(platform, td, { trustAnchor: claimed })
    await expect(verifyEvidence(await evidenceOf(td), context)).rejects.toMatchObject({
      code: 'TRUST_ANCHOR_INVALID',
    })
    expect(() => simulatedTrustAnchor('x', intelTrustAnchor().certificate)).toThrow()
  })

  test('B13 vendor_root_fingerprint', () => {
    expect(Buffer.from(sha256(intelTrustAnchor().certificate)).toString('hex')).toBe(
      '44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3',
    )
  })

  test('B5 no_collateral_is_not_verified', async () => {
    const context = contextFor(platform, td, { collateral: undefined })
    const report = await verifyEvidence(await evidenceOf(td), context)
    expect(failures(report)).toEqual([])
    expect(report.verdict).toMatchObject({
      outcome: 'refused',
      reasons: [
        'pck-revocation',
        'tcb-info',
        'qe-identity',
        'tdx-module',
        'tcb-status',
        'tcb-allowed',
      ].map((check) => ({ check })),
    })
  })

  test('B3 tcb_policy_table: a status the policy does not take', async () => {
    const tcb = { ...DEFAULT_TCB_POLICY, statuses: [] }
    expect(await refused({ policy: { ...policyOf(td), tcb } })).toEqual(['tcb-allowed'])
  })

  test('A13 kms_foreign_root_rejected, key_provider_mismatch_rejected', async () => {
    const policy = policyOf(td)
    const [kms] = policy.keyCustody.trustedKms
    if (kms === undefined) throw new Error('one KMS')
    const other = policyOf((await machine()).td).keyCustody.trustedKms[0] ?? kms
    for (const trustedKms of [
      [],
      [other],
      [{ ...kms, rootPublicKey: other.rootPublicKey }],
      [{ ...kms, caPublicKeyInfo: other.caPublicKeyInfo }],
    ]) {
      const changed = { ...policy, keyCustody: { ...policy.keyCustody, trustedKms } }
      expect(await refused({ policy: changed })).toEqual(['key-custody'])
    }
  })

  test('collateral that travels with the evidence is judged like any other', async () => {
    const collateral = await platform.collateralJson(AT)
    const context = { collateral: undefined }
    const judge = async (bundle: string): Promise<Report> =>
      verifyEvidence(
        await evidenceOf(td, { bundle: { collateral: bundle } }),
        contextFor(platform, td, context),
      )
    expect((await judge(collateral)).verdict.outcome).toBe('verified')
    const forged = collateral.replace('UpToDate', 'OutOfDat')
    expect(failures(await judge(forged))).toContain('tcb-info')
    await expect(judge('{}')).rejects.toMatchObject({ code: 'COLLATERAL_INVALID' })
  })

  test('B8 time_is_an_input', async () => {
    const evidence = await evidenceOf(td)
    const at = (date: Date): Promise<Report> =>
      verifyEvidence(evidence, contextFor(platform, td, { at: date }))
    await expect(at(new Date(Number.NaN))).rejects.toMatchObject({ code: 'TIME_INVALID' })
    expect(failures(await at(new Date('2020-01-01')))).toEqual(['pck-chain'])
    expect(failures(await at(new Date('2040-01-01')))).toEqual(['pck-chain'])
  })

  test('B14 quote_mutation_sweep on a quote of our own', async () => {
    const evidence = await evidenceOf(td)
    const quote = await td.quote(
      reportData(bindingIdOf(statementOf(td), registry), challenge, ZERO_DIGEST),
    )
    const start = Buffer.from(evidence).indexOf(Buffer.from(quote.subarray(0, 48)))
    expect(start).toBeGreaterThan(0)
    for (let at = 0; at < quote.length; at += 7) {
      const changed = evidence.slice()
      changed[start + at] = (changed[start + at] ?? 0) ^ 0x04
      const verdict = await verifyEvidence(changed, contextFor(platform, td)).then(
        (report): Verdict['outcome'] => report.verdict.outcome,
        () => 'refused' as const,
      )
      expect(verdict, `byte ${at} of the quote`).toBe('refused')
    }
  })
})
