import {
  collateralRequestOf,
  VerifierError,
  verifyEvidence,
  type Check,
  type CollateralRequest,
  type CollateralSource,
  type GpuTrust,
  type NodeClaims,
  type QuoteCollateral,
  type Report,
  type Tier,
  type VerificationContext,
} from '@jeju/verifier'
import { ProtocolError, type Hex } from '@jeju/verifier/protocol'
import { failuresOf, type Refusal } from '../errors/not-verified.ts'
import type { EvidenceRecord } from '../receipts/evidence-record.ts'
import { gpuTrustFor } from './gpu-trust.ts'

/** Evidence judged: what it proves, or why it is refused. */
export type JudgedEvidence =
  | {
      readonly outcome: 'verified'
      readonly tier: Tier
      readonly claims: NodeClaims
      readonly report: Report
      /** What all of it rests on. */
      readonly proof: EvidenceRecord
    }
  | ({ readonly outcome: 'refused' } & Omit<Refusal, 'agentId'>)

/** What evidence is judged under; it was made for `nonce`. */
export interface EvidenceContext extends Omit<
  VerificationContext,
  'collateral' | 'freshness' | 'gpu'
> {
  readonly nonce: Hex
  /** Who judges GPUs where the policy takes them; NVIDIA's own roots when absent. */
  readonly gpu?: GpuTrust
}

/** Codes of arguments that come from the caller, not from the evidence. */
const OWN_FAULTS: readonly string[] = ['TIME_INVALID', 'TRUST_ANCHOR_INVALID', 'POLICY_INVALID']

/** Judges evidence of the expected agent and operator. Input that nobody can judge is refused, as a check (attack T9). */
export async function judgeEvidence(
  evidence: Uint8Array,
  source: CollateralSource,
  context: EvidenceContext,
): Promise<JudgedEvidence> {
  const { nonce, gpu: given, ...rest } = context
  let report: Report
  let collateral: QuoteCollateral
  try {
    const request = collateralRequestOf(evidence)
    collateral = await source.collateralFor(request).catch((cause: unknown) => {
      throw new NoCollateral(request, cause)
    })
    const trust = await gpuTrustFor(context.policy, given)
    const gpu = await trust?.judgementFor(evidence)
    report = await verifyEvidence(evidence, {
      ...rest,
      collateral,
      freshness: { kind: 'challenge', nonce },
      ...(gpu === undefined ? {} : { gpu }),
    })
  } catch (error) {
    const check = unjudged(error)
    if (check === undefined) throw error
    return { outcome: 'refused', checks: [check], reasons: failuresOf([check]) }
  }
  const { verdict } = report
  if (verdict.outcome !== 'verified') {
    return { outcome: 'refused', checks: report.checks, reasons: verdict.reasons }
  }
  const { tier, claims } = verdict
  const proof = { at: context.at, nonce, bundle: evidence, collateral }
  return { outcome: 'verified', tier, claims, report, proof }
}

/** Nothing is known of this platform; a provider that names one nobody knows must not fail the search for others. */
class NoCollateral extends Error {
  readonly request: CollateralRequest

  constructor(request: CollateralRequest, cause: unknown) {
    super('no collateral', { cause })
    this.request = request
  }
}

/** A failed check for what kept evidence from being judged; undefined for a fault of the caller. */
function unjudged(error: unknown): Check | undefined {
  const failed = { status: 'failed' } as const
  if (error instanceof NoCollateral) {
    const { fmspc, ca } = error.request
    const { cause } = error
    const actual = cause instanceof Error && 'code' in cause ? String(cause.code) : 'none'
    const expected = `collateral of FMSPC ${fmspc}, ${ca} CA`
    return { name: 'collateral-available', ...failed, expected, actual }
  }
  if (
    error instanceof ProtocolError ||
    (error instanceof VerifierError && !OWN_FAULTS.includes(error.code))
  ) {
    const actual = `${error.code}: ${error.message}`
    return { name: 'evidence-readable', ...failed, expected: 'an evidence bundle', actual }
  }
  return undefined
}
