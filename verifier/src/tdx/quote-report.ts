import type { Check } from '../report/check.ts'
import type { Validity } from './collateral/verified-collateral.ts'
import type { Quote } from './quote.ts'
import type { PckPlatform } from './sgx-extension.ts'
import type { QuoteTcb } from './tcb/evaluate-tcb.ts'

/** The checks of whether a quote is genuine, in the order in which they are reported (docs/protocol.md §4). */
export const QUOTE_CHECKS = [
  'quote-signature',
  'qe-report-binding',
  'qe-report-signature',
  'pck-chain',
  'pck-revocation',
  'tcb-info',
  'qe-identity',
  'tdx-module',
  'tcb-status',
] as const

/** One of {@link QUOTE_CHECKS}. */
export type QuoteCheckName = (typeof QUOTE_CHECKS)[number]

/** Every check, and what the quote proves where all of them passed. */
export interface QuoteReport {
  readonly checks: readonly Check<QuoteCheckName>[]
  /** Undefined when a check failed or was not made: without collateral nothing is genuine (attack B5). */
  readonly genuine: GenuineQuote | undefined
}

/** A quote by a machine Intel certified, with the state Intel says it is in. Not yet one that anybody wants. */
export interface GenuineQuote {
  readonly quote: Quote
  readonly platform: PckPlatform
  readonly tcb: QuoteTcb
  readonly collateral: Validity
}
