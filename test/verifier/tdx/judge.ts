import {
  parseCollateral,
  verifyQuote,
  VerifierError,
  type QuoteReport,
  type TrustAnchor,
} from '@jeju/verifier'
import type { Expectation } from './recorded.ts'

/** What a verification gives, in the terms of an expectation; every error must have a code. */
export async function judge(
  quote: Uint8Array,
  bundle: unknown,
  context: { readonly trustAnchor: TrustAnchor; readonly at: Date },
): Promise<{ readonly found: Expectation; readonly report: QuoteReport | undefined }> {
  try {
    const report = await verifyQuote(quote, parseCollateral(bundle), context)
    if (report.genuine === undefined) return { found: { verdict: 'reject' }, report }
    const { tcb } = report.genuine
    const { current } = tcb
    const found: Expectation = {
      verdict: 'accept',
      status: tcb.status,
      advisoryIDs: tcb.advisoryIds,
      tcbDate: isoTime(tcb.tcbDate),
      tcbEvaluationDataNumber: tcb.tcbEvaluationDataNumber,
      ...(current && {
        current: {
          status: current.status,
          advisoryIDs: current.advisoryIds,
          tcbDate: isoTime(current.tcbDate),
        },
      }),
    }
    return { found, report }
  } catch (error) {
    if (error instanceof VerifierError) return { found: { verdict: 'reject' }, report: undefined }
    throw error
  }
}

function isoTime(at: number): string {
  return new Date(at).toISOString().replace('.000Z', 'Z')
}
