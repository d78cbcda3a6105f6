import {
  appraiseQuote,
  tdFlags,
  type Appraisal,
  type GenuineQuote,
  type Quote,
  type QuotePolicy,
  type QuoteReport,
  type TcbEvaluation,
} from '../../index.ts'
import { firstFailure, inputCheck, type Fault, type ReportedCheck } from '../fault.ts'
import { isoSeconds } from '../read/time.ts'
import type { CaseId } from './quote-case.ts'

/** A TCB evaluation as it is printed. */
interface PrintedTcb {
  readonly status: string | null
  readonly advisoryIDs: readonly string[]
  readonly tcbDate: string | null
}

/** What is said of a quote: its genuineness, and apart from it whether the policy wants it. Printed as it stands. */
export interface QuoteResult extends PrintedTcb {
  readonly verdict: 'accepted' | 'rejected' | 'malformed'
  /** Stable code of the first failed check, or of the error; null where accepted. */
  readonly code: string | null
  readonly tcbEvaluationDataNumber: number | null
  /** With the SVNs of now; TDX 1.5. */
  readonly current?: PrintedTcb
  readonly flags: readonly string[]
  readonly checks: readonly ReportedCheck[]
  readonly appraisal: Appraisal
}

/** The answer to one case. */
export interface CaseResult extends QuoteResult {
  readonly id: CaseId
}

const NO_TCB = { status: null, advisoryIDs: [], tcbDate: null, tcbEvaluationDataNumber: null }

/** Of an input that cannot be judged. */
export function malformedResult(fault: Fault): QuoteResult {
  const { code } = fault
  return {
    verdict: 'malformed',
    code,
    ...NO_TCB,
    flags: [],
    checks: [inputCheck(fault)],
    appraisal: notAppraised(`malformed: ${code}`),
  }
}

/** Of a quote that was judged. */
export function quoteResult(
  quote: Quote,
  { checks, genuine }: QuoteReport,
  policy: QuotePolicy,
  at: Date,
): QuoteResult {
  const flags = tdFlags(quote.body).map(({ name }) => name)
  if (genuine === undefined) {
    const code = firstFailure(checks)
    // The one status that is a failed check.
    const status = code === 'TCB_REVOKED' ? 'Revoked' : null
    const appraisal = notAppraised(`rejected: ${code ?? 'checks not made'}`)
    return { verdict: 'rejected', code, ...NO_TCB, status, flags, checks, appraisal }
  }
  const appraisal = appraiseQuote(genuine, policy, at)
  return { verdict: 'accepted', code: null, ...printedTcbs(genuine), flags, checks, appraisal }
}

function printedTcbs({
  tcb,
}: GenuineQuote): Pick<
  QuoteResult,
  'status' | 'advisoryIDs' | 'tcbDate' | 'tcbEvaluationDataNumber' | 'current'
> {
  const { tcbEvaluationDataNumber, current } = tcb
  return {
    ...printedTcb(tcb),
    tcbEvaluationDataNumber,
    ...(current && { current: printedTcb(current) }),
  }
}

function printedTcb({ status, advisoryIds, tcbDate }: TcbEvaluation): PrintedTcb {
  return { status, advisoryIDs: advisoryIds, tcbDate: isoSeconds(tcbDate) }
}

/** Only what is genuine is appraised. */
function notAppraised(actual: string): Appraisal {
  return { ok: false, failures: [{ rule: 'genuine', expected: 'a genuine quote', actual }] }
}
