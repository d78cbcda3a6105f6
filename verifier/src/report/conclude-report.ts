import type { AppraisalPolicy } from '../policy/policy.ts'
import type { Tier } from '../tdx/trust-anchor.ts'
import type { Check } from './check.ts'
import { concluded } from './concluded.ts'
import {
  EVIDENCE_CHECKS,
  type EvidenceCheckName,
  type NodeClaims,
  type Refusal,
  type Report,
} from './report.ts'

/**
 * The one place where a verdict is made (attack F4): every check of the list must be there once and passed; the
 * tier must be one the policy lists. `claims` is
 * undefined where a document was unreadable.
 */
export function concludeReport(
  checks: readonly Check<EvidenceCheckName>[],
  tier: Tier,
  policy: AppraisalPolicy,
  claims: NodeClaims | undefined,
): Report {
  const reasons: Refusal[] = []
  if (!policy.tiers.includes(tier)) {
    reasons.push({
      check: 'tier',
      text: `the trust anchor is ${tier}; policy: ${policy.tiers.join()}`,
    })
  }
  for (const name of EVIDENCE_CHECKS) {
    const found = checks.filter((candidate) => candidate.name === name)
    const check = found.length === 1 ? found[0] : undefined
    if (check?.status !== 'passed') reasons.push({ check: name, text: describe(check) })
  }
  if (reasons.length > 0 || claims === undefined) {
    const verdict = Object.freeze({ outcome: 'refused', reasons } as const)
    return Object.freeze({ checks, verdict })
  }
  return Object.freeze({
    checks,
    verdict: Object.freeze({
      outcome: 'verified',
      tier,
      claims,
      [concluded]: true,
    } as const),
  })
}

function describe(check: Check | undefined): string {
  if (check === undefined) return 'not made, or made twice'
  switch (check.status) {
    case 'failed':
      return `expected ${check.expected}, got ${check.actual}`
    case 'skipped':
      return `skipped: ${check.because}`
    case 'passed':
      return 'passed'
  }
}
