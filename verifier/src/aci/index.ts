/** Attested Confidential Inference, `aci/1`: reports, receipts, sessions (docs/protocol.md §11). */
export type { AciChannel } from './check-channel.ts'
export type { AciKey, AciKeyset, AciTlsKey } from './keyset.ts'
export { parseAciReceipt, type AciEvent, type AciReceipt } from './receipt.ts'
export type { AciProvenance } from './report.ts'
export { parseAciSession, type AciSession } from './session.ts'
export {
  ACI_RECEIPT_CHECKS,
  verifyAciReceipt,
  type AciReceiptCheckName,
  type AciReceiptExpectation,
  type AciReceiptReport,
} from './verify-aci-receipt.ts'
export {
  verifyAciReport,
  type AciCheckName,
  type AciClaims,
  type AciContext,
  type AciReportJudgement,
  type AciSource,
} from './verify-aci-report.ts'
