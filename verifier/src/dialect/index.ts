/** Evidence and receipts in the dialects of others; the caller says which (docs/protocol.md §11). */
export * from '../aci/index.ts'
export type { DialectContext } from './judge-quote.ts'
export type { JudgedReport, RefusalOf } from '../report/conclude.ts'
export {
  EXCHANGE_CHECKS,
  verifyExchange,
  type ExchangeCheckName,
  type ExchangeExpectation,
  type ExchangeReport,
} from '../signing-report/verify-exchange.ts'
export {
  verifySigningReport,
  type SigningCheckName,
  type SigningClaims,
  type SigningContext,
  type SigningReportJudgement,
} from '../signing-report/verify-signing-report.ts'
export {
  verifyTinfoilDocument,
  type TinfoilCheckName,
  type TinfoilClaims,
  type TinfoilContext,
  type TinfoilJudgement,
} from '../tinfoil/verify-tinfoil-document.ts'
