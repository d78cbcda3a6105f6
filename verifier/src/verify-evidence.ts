import { sha256 } from './bytes/hash.ts'
import { toHex, type Hex } from './bytes/hex.ts'
import { checkInstance } from './dstack/check-compose.ts'
import { checkKeyCustody } from './dstack/check-key-custody.ts'
import { VerifierError } from './errors.ts'
import { checkMachine } from './machine/check-machine.ts'
import { checkTcbAllowed } from './policy/check-tcb-allowed.ts'
import type { AppraisalPolicy } from './policy/policy.ts'
import type { ContractDomain } from './protocol/eip712.ts'
import { decodeEvidence, type EvidenceBundle } from './protocol/evidence-bundle.ts'
import { bindingIdOf } from './protocol/node-statement.ts'
import { gpuNonce, type Freshness } from './protocol/report-data.ts'
import { skipped, type Check } from './report/check.ts'
import { concludeReport } from './report/conclude-report.ts'
import {
  EVIDENCE_CHECKS,
  type EvidenceCheckName,
  type NodeClaims,
  type Report,
} from './report/report.ts'
import { checkGpuEvidence, type CheckedGpu, type GpuJudgement } from './statement/check-gpu.ts'
import { checkCatalog, checkKeyset, checkPosture } from './statement/check-documents.ts'
import {
  checkFreshness,
  checkIdentity,
  checkStatementBinding,
  type ExpectedIdentity,
} from './statement/check-statement.ts'
import { parseCollateral, type QuoteCollateral } from './tdx/collateral/quote-collateral.ts'
import type { JudgedCollateral } from './tdx/collateral/verified-collateral.ts'
import { parseQuote } from './tdx/parse-quote.ts'
import type { Quote } from './tdx/quote.ts'
import { QuoteVerifier } from './tdx/quote-verifier.ts'
import { assertTrustAnchor, type Tier, type TrustAnchor } from './tdx/trust-anchor.ts'

/** Everything a verification depends on beside the evidence. Nothing is fetched and no clock is read. */
export interface VerificationContext {
  readonly at: Date
  readonly trustAnchor: TrustAnchor
  /**
   * A verifier of that anchor that is kept between calls: what it has verified of a platform is not verified again.
   * One of this call alone by default.
   */
  readonly quoteVerifier?: QuoteVerifier
  /**
   * What Intel says of the platform, as somebody fetched or already judged it. Without it, that of the bundle, whose
   * vintage the node chose (attack B4); without either nothing is verified (attack B5).
   */
  readonly collateral: QuoteCollateral | JudgedCollateral | undefined
  readonly policy: AppraisalPolicy
  /** Who judges GPUs: a `GpuVerifier` of `@jeju/verifier/gpu`. Without it no node with a GPU is verified. */
  readonly gpu?: GpuJudgement
  /** The registry, on its chain, in whose domain the statement was made. */
  readonly registry: ContractDomain
  /** The very freshness that was asked for. */
  readonly freshness: Freshness
  /** Whom the relying party asked for: agent and operator as the chain names them. */
  readonly expected: ExpectedIdentity
}

/**
 * Judges an evidence bundle (docs/protocol.md §4). Signatures come first, then the log they cover, then what the
 * log and the statement say. Every check is in the report, made or not.
 * @throws VerifierError, ProtocolError on input nobody can judge: no bundle, no quote, no time
 */
export async function verifyEvidence(
  evidence: Uint8Array,
  given: VerificationContext,
): Promise<Report> {
  // Bytes and time are taken before the first await: the caller may change both while signatures are checked.
  const context = { ...given, at: new Date(given.at.getTime()) }
  assertTrustAnchor(context.trustAnchor)
  if (context.quoteVerifier && context.quoteVerifier.trustAnchor !== context.trustAnchor) {
    throw new VerifierError('TRUST_ANCHOR_INVALID', 'quoteVerifier: of another anchor')
  }
  if (!Number.isFinite(context.at.getTime())) {
    throw new VerifierError('TIME_INVALID', 'at: not a time')
  }
  const bundle = decodeEvidence(evidence)
  const evidenceDigest = toHex(sha256(evidence))
  const quote = parseQuote(bundle.quote)

  const collateral =
    context.collateral ??
    (bundle.collateral === undefined ? undefined : parseCollateral(bundle.collateral))
  const verifier = context.quoteVerifier ?? new QuoteVerifier(context.trustAnchor)
  const { checks: made, genuine } = await verifier.verify(quote, collateral, context.at)
  if (made.some(({ status }) => status === 'failed')) {
    // Nothing below the signatures means anything, and no work is done on unsigned input (attack B6).
    return concludeReport(withSkipped(made), context.trustAnchor.tier, context.policy, undefined)
  }
  const { statement } = bundle
  const gpu = await checkGpuEvidence(statement, bundle.gpuEvidence, context.gpu, {
    at: context.at,
    policy: context.policy.gpu,
    nonce: gpuNonce(bindingIdOf(statement, context.registry), context.freshness),
  })
  const { checks, claims } = checkContents(bundle, quote, evidenceDigest, context, gpu)
  const allowed = checkTcbAllowed(genuine, context.policy, context.at)
  const all = inOrder([...made, allowed, ...checks])
  const report = concludeReport(all, tierOf(context.trustAnchor, gpu), context.policy, claims)
  return gpu.checks === undefined ? report : Object.freeze({ ...report, gpuChecks: gpu.checks })
}

/** A verdict is as good as the weaker of its roots. */
function tierOf({ tier }: TrustAnchor, { claims }: CheckedGpu): Tier {
  return claims?.tier === 'simulated' ? 'simulated' : tier
}

type EvidenceCheck = Check<EvidenceCheckName>

function checkContents(
  bundle: EvidenceBundle,
  quote: Quote,
  evidenceDigest: Hex,
  context: VerificationContext,
  gpu: CheckedGpu,
): { readonly checks: readonly EvidenceCheck[]; readonly claims: NodeClaims | undefined } {
  const { body } = quote
  const { statement } = bundle
  const { policy, at } = context
  const [rtmr0, rtmr1, rtmr2, rtmr3] = body.rtmrs
  const bindingId = bindingIdOf(statement, context.registry)
  const machine = checkMachine(quote, bundle, policy)
  const { platform, composeHash } = machine
  const keyset = checkKeyset(bundle.keyset, statement.keysetDigest, at)
  const catalog = checkCatalog(bundle.catalog, statement.modelCatalogDigest)
  const posture = checkPosture(bundle.posture, statement.postureDigest)
  const checks: readonly EvidenceCheck[] = [
    ...machine.checks,
    checkStatementBinding(body.reportData, bindingId),
    checkFreshness(body.reportData, context.freshness, bundle.gpuEvidence),
    checkIdentity(statement, context.expected),
    checkInstance(statement.instanceId, platform),
    keyset.check,
    catalog.check,
    posture.check,
    checkKeyCustody(
      { chain: bundle.kmsChain, signer: statement.signer, platform },
      policy.keyCustody,
    ),
    gpu.check,
  ]
  if (!keyset.content || !catalog.content || !posture.content) return { checks, claims: undefined }
  const claims = {
    bindingId,
    statement,
    keyset: keyset.content,
    catalog: catalog.content,
    posture: posture.content,
    composeHash,
    measurements: {
      mrtd: toHex(body.mrTd),
      rtmr0: toHex(rtmr0),
      rtmr1: toHex(rtmr1),
      rtmr2: toHex(rtmr2),
      rtmr3: toHex(rtmr3),
    },
    ...(gpu.claims === undefined ? {} : { gpu: gpu.claims }),
    evidenceDigest,
    verifiedAt: at,
  }
  return { checks, claims }
}

function withSkipped(made: readonly EvidenceCheck[]): readonly EvidenceCheck[] {
  const others = EVIDENCE_CHECKS.filter((name) => !made.some((check) => check.name === name))
  return inOrder([...made, ...others.map((name) => skipped(name, 'the quote is not genuine'))])
}

function inOrder(checks: readonly EvidenceCheck[]): readonly EvidenceCheck[] {
  const place = (check: EvidenceCheck): number => EVIDENCE_CHECKS.indexOf(check.name)
  return checks.toSorted((a, b) => place(a) - place(b))
}
