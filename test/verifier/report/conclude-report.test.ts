import { beforeAll, describe, expect, test } from 'vitest'
import {
  EVIDENCE_CHECKS,
  UNMADE_CHECKS,
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
  acceptSkipped: [...UNMADE_CHECKS],
  composeHashes: [],
  gpu: 'not-required',
  osImages: [],
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
  test('all passed is verified without reservations', () => {
    expect(conclude(allPassed).verdict).toMatchObject({ outcome: 'verified', reservations: [] })
  })

  test.each(EVIDENCE_CHECKS)('%s: failed, skipped, absent or doubled is a refusal', (name) => {
    const strict = { acceptSkipped: [] }
    expect(reasons(conclude(replaced(failed(name, 'a', 'b')), strict))).toEqual([name])
    expect(reasons(conclude(replaced(skipped(name, 'why')), strict))).toEqual([name])
    const absent = allPassed.filter((check) => check.name !== name)
    expect(reasons(conclude(absent, strict))).toEqual([name])
    const doubled = [...allPassed, failed(name, 'a', 'b')]
    expect(reasons(conclude(doubled, strict))).toEqual([name])
  })

  test('no checks at all refuse for every one of them', () => {
    expect(reasons(conclude([]))).toEqual([...EVIDENCE_CHECKS])
  })

  test.each(UNMADE_CHECKS)('%s: accepted when skipped, never when failed or absent', (name) => {
    const accepted = conclude(replaced(skipped(name, 'why')))
    expect(accepted.verdict).toMatchObject({ outcome: 'verified', reservations: [name] })
    expect(reasons(conclude(replaced(failed(name, 'a', 'b'))))).toEqual([name])
    const absent = allPassed.filter((check) => check.name !== name)
    expect(reasons(conclude(absent))).toEqual([name])
  })

  test('a policy that did not come through parsePolicy cannot accept a check that is made', () => {
    const made = EVIDENCE_CHECKS.filter((name) => !UNMADE_CHECKS.some((unmade) => unmade === name))
    expect(made).toHaveLength(EVIDENCE_CHECKS.length - UNMADE_CHECKS.length)
    const written = JSON.parse(JSON.stringify({ ...policy, acceptSkipped: made }))
    for (const name of made) {
      expect(reasons(conclude(replaced(skipped(name, 'why')), written)), name).toEqual([name])
    }
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
  const written: typeof verdict = { outcome: 'verified', tier: 'tdx', claims, reservations: [] }
  expect(written.outcome).toBe('verified')
})
