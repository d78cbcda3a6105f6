import { failed, passed, skipped, type Check } from '../report/check.ts'
import { appraiseTcb } from '../tdx/appraise-quote.ts'
import type { GenuineQuote } from '../tdx/quote-report.ts'
import type { AppraisalPolicy } from './policy.ts'

/** `tcb-allowed`: the state the platform is in is one the policy takes (attack B3). */
export function checkTcbAllowed(
  genuine: GenuineQuote | undefined,
  policy: AppraisalPolicy,
  at: Date,
): Check<'tcb-allowed'> {
  const name = 'tcb-allowed'
  if (genuine === undefined) return skipped(name, 'the quote is not known to be genuine')
  const { tcb } = genuine
  const failures = appraiseTcb(tcb, policy.tcb, at)
  if (failures.length === 0) {
    return passed(name, { status: tcb.status, advisoryIDs: tcb.advisoryIds })
  }
  const join = (part: 'expected' | 'actual'): string =>
    failures.map((failure) => `${failure.rule} ${failure[part]}`).join('; ')
  return failed(name, join('expected'), join('actual'))
}
