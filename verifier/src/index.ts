/** Judges evidence of confidential inference nodes and their receipts (docs/protocol.md §4, §6). */
export {
  ERROR_CODES,
  VERIFIER_ERROR_CODES,
  VerifierError,
  type VerifierErrorCode,
} from './errors.ts'
export { parsePolicy, type AppraisalPolicy, type OsImage } from './policy/policy.ts'
export { UNMADE_CHECKS, type UnmadeCheck } from './policy/unmade-checks.ts'
export type {
  ReceiptExpectation,
  ReceivedAnswer,
  StatedUsage,
} from './receipt/receipt-expectation.ts'
export {
  RECEIPT_CHECKS,
  verifyReceipt,
  type ReceiptCheckName,
  type ReceiptReport,
} from './receipt/verify-receipt.ts'
export type { Check } from './report/check.ts'
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
export type { ExpectedIdentity } from './statement/check-statement.ts'
export { parseQuote } from './tdx/parse-quote.ts'
export type { Quote, QuoteHeader, QuoteSignature, QeReport, TdReport } from './tdx/quote.ts'
export {
  intelTrustAnchor,
  simulatedTrustAnchor,
  type Tier,
  type TrustAnchor,
} from './tdx/trust-anchor.ts'
export { verifyEvidence, type VerificationContext } from './verify-evidence.ts'
