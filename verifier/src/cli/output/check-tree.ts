import type { ReportedCheck } from '../fault.ts'
import { meaningOf } from '../../report/check-meaning.ts'
import { leaf, type Tree } from './tree.ts'

/** A check as a branch: its result, its name and what it asks; below it what was seen. */
export function checkTree(check: ReportedCheck): Tree {
  const meaning = meaningOf(check.name)
  const name = meaning === undefined ? check.name : `${check.name}: ${meaning}`
  switch (check.status) {
    case 'passed':
      return {
        label: [
          ['ok      ', 'good'],
          [name, 'plain'],
        ],
        below: evidenceLines(check.evidence).map((line) => leaf(line, 'quiet')),
      }
    case 'failed':
      return {
        label: [
          ['FAILED  ', 'bad'],
          [name, 'plain'],
          [check.code === undefined ? '' : `  ${check.code}`, 'bad'],
        ],
        below: [leaf(`expected  ${check.expected}`), leaf(`actual    ${check.actual}`, 'bad')],
      }
    case 'skipped':
      return {
        label: [
          ['skipped ', 'warning'],
          [name, 'plain'],
        ],
        below: [leaf(check.because, 'quiet')],
      }
  }
}

function evidenceLines(evidence: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.entries(evidence).map(([name, value]) => `${name}  ${describe(value)}`)
}

function describe(value: unknown): string {
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(describe).join(', ')
  return value === undefined ? 'none' : JSON.stringify(value, bigintsAsText)
}

function bigintsAsText(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value
}
