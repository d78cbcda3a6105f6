import { beforeAll, describe, expect, test } from 'vitest'
import {
  DEFAULT_TCB_POLICY,
  EVIDENCE_CHECKS,
  verifyEvidence,
  type AppraisalPolicy,
  type Check,
  type EvidenceCheckName,
  type NodeClaims,
  type Report,
} from '@jeju/verifier'
import { failed, passed, skipped } from '../../../verifier/src/report/check.ts'
import { concludeReport } from '../../../verifier/src/report/conclude-report.ts'
import { contextFor, evidenceOf, machine } from '../evidence/fixture.ts'

const policy: AppraisalPolicy = {
  v: 1,
  acpi: { reviewed: [], unreviewed: 'refused' },
  composeHashes: [],
  composeTemplates: [],
  gpu: 'forbidden',
  keyCustody: { trustedKms: [], keyApis: [] },
  osImageHashes: [],
  osImages: [],
  tcb: DEFAULT_TCB_POLICY,
  tiers: ['tdx'],
}

let claims: NodeClaims

beforeAll(async () => {
  const { platform, td } = await machine()
  const { verdict } = await verifyEvidence(await evidenceOf(td), contextFor(platform, td))
  if (verdict.outcome !== 'verified') throw new Error('refused')
  claims = verdict.claims
})

type EvidenceCheck = Check<EvidenceCheckName>

const allPassed: readonly EvidenceCheck[] = EVIDENCE_CHECKS.map((name) => passed(name, {}))

const replaced = (check: EvidenceCheck): readonly EvidenceCheck[] =>
  allPassed.map((other) => (other.name === check.name ? check : other))

const conclude = (
  checks: readonly EvidenceCheck[],
  changed: Partial<AppraisalPolicy> = {},
): Report => concludeReport(checks, 'tdx', { ...policy, ...changed }, claims)

const reasons = ({ verdict }: Report): readonly string[] =>
  verdict.outcome === 'refused' ? verdict.reasons.map(({ check }) => check) : []

describe('F4 verdict_unknown_is_not_pass', () => {
  test('all passed is verified', () => {
    expect(conclude(allPassed).verdict).toMatchObject({ outcome: 'verified' })
  })

  test.each(EVIDENCE_CHECKS)('%s: failed, skipped, absent or doubled is a refusal', (name) => {
    expect(reasons(conclude(replaced(failed(name, 'a', 'b'))))).toEqual([name])
    expect(reasons(conclude(replaced(skipped(name, 'why'))))).toEqual([name])
    const absent = allPassed.filter((check) => check.name !== name)
    expect(reasons(conclude(absent))).toEqual([name])
    const doubled = [...allPassed, failed(name, 'a', 'b')]
    expect(reasons(conclude(doubled))).toEqual([name])
  })

  test('no checks at all refuse for every one of them', () => {
    expect(reasons(conclude([]))).toEqual([...EVIDENCE_CHECKS])
  })

  test('a tier the policy does not list, and a document nobody could read', () => {
    expect(reasons(conclude(allPassed, { tiers: ['simulated'] }))).toEqual(['tier'])
    const unread = concludeReport(allPassed, 'tdx', policy, undefined)
    expect(unread.verdict.outcome).toBe('refused')
  })

  test('reports and verdicts do not change afterwards', () => {
    const verified = conclude(allPassed)
    const refused = conclude([])
    for (const report of [verified, refused]) {
      expect(Object.isFrozen(report)).toBe(true)
      expect(Object.isFrozen(report.verdict)).toBe(true)
    }
  })
})

test('F4 a verdict cannot be written elsewhere', () => {
  const { verdict } = conclude(allPassed)
  if (verdict.outcome !== 'verified') throw new Error('refused')
  // @ts-expect-error a verified verdict carries a mark that only this package can name
  const written: typeof verdict = { outcome: 'verified', tier: 'tdx', claims }
  expect(written.outcome).toBe('verified')
})
