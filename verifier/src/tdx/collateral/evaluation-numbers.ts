import { CheckFailure } from '../../report/check-failure.ts'
import { parseDocument, type DocumentFields } from './document.ts'
import { evaluationNumber, requireValue, requireVersion } from './levels.ts'

const STANDARD_MONTHS = 12

/** TCB evaluation data numbers version 1 for TDX (Intel PCS API v4). Times in Unix milliseconds. */
export interface EvaluationNumbers {
  readonly issueDate: number
  readonly nextUpdate: number
  /** The highest number first. */
  readonly numbers: readonly EvaluationNumber[]
}

/** A number that TCB info and QE identity can be asked for by. */
export interface EvaluationNumber {
  readonly tcbEvaluationDataNumber: number
  /** Of the TCB recovery that the number came with. */
  readonly tcbRecoveryEventDate: number
  /** A day after the recovery event in every list seen. */
  readonly tcbDate: number
}

/** Reads the exact text that was signed. @throws CheckFailure */
export function parseEvaluationNumbers(text: string): EvaluationNumbers {
  const list = parseDocument(text, 'tcbEvaluationDataNumbers')
  requireValue(list.text('id'), 'TDX', 'tcbEvaluationDataNumbers.id')
  requireVersion(list, 1, 'tcbEvaluationDataNumbers')
  return {
    issueDate: list.time('issueDate'),
    nextUpdate: list.time('nextUpdate'),
    numbers: readNumbers(list),
  }
}

function readNumbers(list: DocumentFields): readonly EvaluationNumber[] {
  const numbers = list
    .objects('tcbEvalNumbers', 1)
    .map((entry) => ({
      tcbEvaluationDataNumber: evaluationNumber(entry),
      tcbRecoveryEventDate: entry.time('tcbRecoveryEventDate'),
      tcbDate: entry.time('tcbDate'),
    }))
    .toSorted((a, b) => b.tcbEvaluationDataNumber - a.tcbEvaluationDataNumber)
  const distinct = new Set(numbers.map((entry) => entry.tcbEvaluationDataNumber))
  if (distinct.size !== numbers.length) {
    throw new CheckFailure('COLLATERAL_FORMAT', 'tcbEvalNumbers: each number once', 'one twice')
  }
  return numbers
}

/**
 * The number that a channel of the service stands for at that time: `early` is the highest, `standard` the highest whose
 * recovery event lies twelve months back; undefined where none does. The service itself has changed over a day later.
 */
export function evaluationNumberOf(
  { numbers }: EvaluationNumbers,
  channel: 'standard' | 'early',
  at: Date,
): number | undefined {
  const found =
    channel === 'early'
      ? numbers[0]
      : numbers.find((entry) => standardFrom(entry.tcbRecoveryEventDate) <= at.getTime())
  return found?.tcbEvaluationDataNumber
}

function standardFrom(recoveryEventDate: number): number {
  const date = new Date(recoveryEventDate)
  return date.setUTCMonth(date.getUTCMonth() + STANDARD_MONTHS)
}
