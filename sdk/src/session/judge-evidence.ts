import {
  VerifierError,
  verifyEvidence,
  type Check,
  type NodeClaims,
  type Report,
  type Tier,
  type VerificationContext,
} from '@jeju/verifier'
import { ProtocolError } from '@jeju/verifier/protocol'
import { failuresOf, type Refusal } from '../errors/not-verified.ts'

/** Evidence judged: what it proves, or why it is refused. */
export type JudgedEvidence =
  | {
      readonly outcome: 'verified'
      readonly tier: Tier
      readonly claims: NodeClaims
      readonly reservations: readonly string[]
      readonly report: Report
    }
  | ({ readonly outcome: 'refused' } & Omit<Refusal, 'agentId'>)

/** Codes of arguments that come from the caller, not from the evidence. */
const OWN_FAULTS: readonly string[] = ['TIME_INVALID', 'TRUST_ANCHOR_INVALID', 'POLICY_INVALID']

/** Judges evidence of the expected agent and operator. Input that nobody can judge is refused, as a check (attack T9). */
export async function judgeEvidence(
  evidence: Uint8Array,
  context: VerificationContext,
): Promise<JudgedEvidence> {
  let report: Report
  try {
    report = await verifyEvidence(evidence, context)
  } catch (error) {
    const unreadable =
      error instanceof ProtocolError ||
      (error instanceof VerifierError && !OWN_FAULTS.includes(error.code))
    if (!unreadable) throw error
    const check: Check = {
      name: 'evidence-readable',
      status: 'failed',
      expected: 'an evidence bundle',
      actual: `${error.code}: ${error.message}`,
    }
    return { outcome: 'refused', checks: [check], reasons: failuresOf([check]) }
  }
  const { verdict } = report
  if (verdict.outcome !== 'verified') {
    return { outcome: 'refused', checks: report.checks, reasons: verdict.reasons }
  }
  const { tier, claims, reservations } = verdict
  return { outcome: 'verified', tier, claims, reservations, report }
}
