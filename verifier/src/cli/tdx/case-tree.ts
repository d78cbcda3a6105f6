import type { Appraisal } from '../../index.ts'
import { checkTree } from '../output/check-tree.ts'
import { leaf, type Tree } from '../output/tree.ts'
import { verdictSpan } from '../output/verdict-span.ts'
import type { CaseResult, QuoteResult } from './case-result.ts'

/** One case for people. */
export function caseTree(result: CaseResult): Tree {
  const { id, verdict, code } = result
  return {
    label: [
      [`${id ?? '(no id)'}: `, 'plain'],
      verdictSpan(verdict),
      [code === null ? '' : `  ${code}`, 'bad'],
    ],
    below: quoteBranches(result),
  }
}

/** What is said of a quote: its checks, its TCB, what stands out, and whether the policy wants it. */
export function quoteBranches(result: QuoteResult): readonly Tree[] {
  const { verdict, checks } = result
  if (verdict === 'malformed') return checks.map(checkTree)
  return [
    ...checks.map(checkTree),
    ...tcbLeaves(result),
    leaf(`TD flags: ${result.flags.join(', ') || 'none'}`),
    appraisalTree(result.appraisal),
  ]
}

function tcbLeaves(result: QuoteResult): readonly Tree[] {
  const { status, tcbDate, advisoryIDs, current } = result
  if (tcbDate === null) return []
  const line = (name: string, tcb: Pick<QuoteResult, 'status' | 'tcbDate' | 'advisoryIDs'>): Tree =>
    leaf(
      `${name}: ${tcb.status} as of ${tcb.tcbDate}${tcb.advisoryIDs.map((id) => `, ${id}`).join('')}`,
      tcb.status === 'UpToDate' ? 'good' : 'warning',
    )
  return [
    line('TCB', { status, tcbDate, advisoryIDs }),
    ...(current ? [line('TCB with the SVNs of now', current)] : []),
  ]
}

function appraisalTree({ ok, failures }: Appraisal): Tree {
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
