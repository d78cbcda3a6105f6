/** Judges evidence of confidential inference nodes and their receipts (docs/protocol.md §4, §6). */
export {
  collateralRequestOf,
  platformOf,
  type CollateralRequest,
  type CollateralSource,
} from './collateral-request.ts'
export type { KeyCustodyPolicy, TrustedKms } from './dstack/check-key-custody.ts'
export {
  ERROR_CODES,
  VERIFIER_ERROR_CODES,
  VerifierError,
  type VerifierErrorCode,
} from './errors.ts'
export type { GpuRequirement } from './gpu/gpu-policy.ts'
export { parsePolicy, type AppraisalPolicy } from './policy/policy.ts'
export type {
  ReceiptExpectation,
  ReceiptSignatures,
  ReceivedAnswer,
  StatedUsage,
} from './receipt/receipt-expectation.ts'
export {
  RECEIPT_CHECKS,
  verifyReceipt,
  verifyReceiptInParallel,
  type Ed25519Elsewhere,
  type ReceiptCheckName,
  type ReceiptReport,
} from './receipt/verify-receipt.ts'
export {
  INCLUSION_CHECKS,
  verifyInclusion,
  type InclusionCase,
  type InclusionCheckName,
  type InclusionReport,
} from './receipt/verify-inclusion.ts'
export { readReceiptFile, type ReceiptCase } from './receipt/file/receipt-file.ts'
export type { Check } from './report/check.ts'
export { CHECK_FAILURE_CODES, type CheckFailureCode } from './report/check-failure.ts'
export { meaningOf } from './report/check-meaning.ts'
export { describeChecks } from './report/describe-report.ts'
export {
  EVIDENCE_CHECKS,
  type EvidenceCheckName,
  type NodeClaims,
  type Refusal,
  type RefusedVerdict,
  type Report,
  type Verdict,
  type VerifiedVerdict,
} from './report/report.ts'
export type { GpuJudgement, GpuTrust } from './statement/check-gpu.ts'
export type { ExpectedIdentity } from './statement/check-statement.ts'
export {
  evaluationNumberOf,
  type EvaluationNumber,
  type EvaluationNumbers,
} from './tdx/collateral/evaluation-numbers.ts'
export {
  encodeCollateral,
  parseCollateral,
  type QuoteCollateral,
} from './tdx/collateral/quote-collateral.ts'
export type { JudgedCollateral, Validity } from './tdx/collateral/verified-collateral.ts'
export { appraiseQuote, type Appraisal, type PolicyFailure } from './tdx/appraise-quote.ts'
export { encodeQuote } from './tdx/encode-quote.ts'
export { parseQuote, type ParseQuoteOptions } from './tdx/parse-quote.ts'
export {
  DEFAULT_QUOTE_POLICY,
  DEFAULT_TCB_POLICY,
  parseQuotePolicy,
  type OsImage,
  type QuotePolicy,
  type TcbPolicy,
  type ToleratedStatus,
  type UtcTime,
} from './tdx/quote-policy.ts'
export {
  QUOTE_CHECKS,
  type GenuineQuote,
  type QuoteCheckName,
  type QuoteReport,
} from './tdx/quote-report.ts'
export { QuoteVerifier, verifyQuote, type QuoteVerifierOptions } from './tdx/quote-verifier.ts'
export type {
  Quote,
  QuoteHeader,
  QuoteSignature,
  QeReport,
  Td15Fields,
  TdReport,
} from './tdx/quote.ts'
export type { PckPlatform } from './tdx/sgx-extension.ts'
export type { QuoteTcb, TcbEvaluation } from './tdx/tcb/evaluate-tcb.ts'
export { TCB_STATUSES, type TcbStatus } from './tdx/tcb/tcb-status.ts'
export {
  intelTrustAnchor,
  simulatedTrustAnchor,
  type Tier,
  type TrustAnchor,
} from './tdx/trust-anchor.ts'
export {
  OPTIONAL_ATTRIBUTES,
  tdFlags,
  type OptionalAttribute,
  type TdFlag,
} from './tdx/td-flags.ts'
export {
  verifyEvaluationNumbers,
  type EvaluationNumbersContext,
  type EvaluationNumbersReport,
  type SignedEvaluationNumbers,
} from './tdx/verify-evaluation-numbers.ts'
export type { P256Backend } from './x509/p256.ts'
export { verifyEvidence, type VerificationContext } from './verify-evidence.ts'
