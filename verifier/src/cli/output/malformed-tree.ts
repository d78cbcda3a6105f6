import { inputCheck, type Fault } from '../fault.ts'
import { checkTree } from './check-tree.ts'
import type { Tree } from './tree.ts'
import { verdictSpan } from './verdict-span.ts'

/** An input that nobody can parse, for people. */
export function malformedTree(name: string, fault: Fault): Tree {
  return {
    label: [[`${name}: `, 'plain'], verdictSpan('malformed'), [`  ${fault.code}`, 'bad']],
    below: [checkTree(inputCheck(fault))],
  }
}
