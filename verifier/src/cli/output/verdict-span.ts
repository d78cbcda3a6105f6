import type { CliVerdict } from '../verdict.ts'
import type { Tone } from './paint.ts'
import type { Span } from './tree.ts'

const TONES: Readonly<Record<CliVerdict, Tone>> = {
  accepted: 'good',
  incomplete: 'warning',
  rejected: 'bad',
  unreachable: 'bad',
  malformed: 'bad',
}

/** A verdict in its colour. */
export function verdictSpan(verdict: CliVerdict): Span {
  return [verdict, TONES[verdict]]
}
