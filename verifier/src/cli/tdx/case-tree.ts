import { checkTree } from '../output/check-tree.ts'
import type { Tone } from '../output/paint.ts'
import { leaf, type Tree } from '../output/tree.ts'
import { verdictSpan } from '../output/verdict-span.ts'
import type { CaseResult, QuoteResult } from './case-result.ts'

/** A quote's result, whatever verdict was made of it. */
type Facts = Omit<QuoteResult, 'verdict'>

/** One case for people. */
export function caseTree(result: CaseResult): Tree {
  const { id, verdict, code, status, checks } = result
  return {
    label: [
      [`${id ?? '(no id)'}: `, 'plain'],
      verdictSpan(verdict),
      [code === null ? '' : `  ${code}`, 'bad'],
      [verdict === 'accepted' ? `  ${status}` : '', toneOf(status)],
    ],
    below: [...checks.map(checkTree), ...(verdict === 'malformed' ? [] : quoteFacts(result))],
  }
}

/** What is said of a quote beside its checks: its TCB, what stands out, and whether the policy wants it. */
export function quoteFacts(result: Facts): readonly Tree[] {
  const { flags } = result
  return [
    ...tcbLeaves(result),
    leaf(`TD flags: ${flags.join(', ') || 'none'}`, flags.length === 0 ? 'plain' : 'warning'),
    appraisalTree(result),
  ]
}

function tcbLeaves(result: Facts): readonly Tree[] {
  const { status, tcbDate, advisoryIDs, current } = result
  if (tcbDate === null) return []
  const line = (name: string, tcb: Pick<QuoteResult, 'status' | 'tcbDate' | 'advisoryIDs'>): Tree =>
    leaf(
      `${name}: ${tcb.status} as of ${tcb.tcbDate}${tcb.advisoryIDs.map((id) => `, ${id}`).join('')}`,
      toneOf(tcb.status),
    )
  return [
    line('TCB', { status, tcbDate, advisoryIDs }),
    ...(current ? [line('TCB with the SVNs of now', current)] : []),
  ]
}

function toneOf(status: string | null): Tone {
  return status === 'UpToDate' ? 'good' : 'warning'
}

function appraisalTree({ tcbDate, appraisal: { ok, failures } }: Facts): Tree {
  if (tcbDate === null)
    return leaf('appraisal: not made, since the quote is not known to be genuine')
  return {
    label: [
      ['appraisal: ', 'plain'],
      ok ? ['the policy takes this quote', 'good'] : ['the policy does not take this quote', 'bad'],
    ],
    below: failures.map(({ rule, expected, actual }) => ({
      label: [[rule, 'plain']],
      below: [leaf(`expected  ${expected}`), leaf(`actual    ${actual}`, 'bad')],
    })),
  }
}
