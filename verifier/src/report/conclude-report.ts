import type { AppraisalPolicy } from '../policy/policy.ts'
import type { Tier } from '../tdx/trust-anchor.ts'
import type { Check } from './check.ts'
import { conclude } from './conclude.ts'
import { EVIDENCE_CHECKS, type EvidenceCheckName, type NodeClaims, type Report } from './report.ts'

/** The verdict over a node's own evidence. `claims` is undefined where a document was unreadable. */
export function concludeReport(
  checks: readonly Check<EvidenceCheckName>[],
  tier: Tier,
  policy: AppraisalPolicy,
  claims: NodeClaims | undefined,
): Report {
  return conclude({ names: EVIDENCE_CHECKS, checks, tier, tiers: policy.tiers, claims })
}
