import { CheckFailure } from '../../report/check-failure.ts'
import { COMPONENT_STATUSES, type ComponentStatus, type TcbLevel } from '../tcb/tcb-status.ts'
import type { DocumentFields } from './document.ts'

/** What TCB info and QE identity have in common. */

/** Evaluation data numbers are small; a larger one is no number of Intel's. */
const MAX_EVALUATION_NUMBER = 0xffff_ffff

/** A level of module or quoting enclave: the least ISVSVN it takes. */
export interface SvnLevel extends TcbLevel<ComponentStatus> {
  readonly isvSvn: number
}

/** Version of a signed document. */
export function requireVersion(document: DocumentFields, version: number, what: string): void {
  const actual = document.integer('version', 0xff)
  if (actual !== version) {
    const expected = `${what}.version: ${version}`
    throw new CheckFailure('COLLATERAL_VERSION_UNSUPPORTED', expected, String(actual))
  }
}

/** A member with only one right value. */
export function requireValue(actual: string, expected: string, place: string): void {
  if (actual !== expected) {
    throw new CheckFailure('COLLATERAL_FORMAT', `${place}: ${expected}`, actual)
  }
}

/** Evaluation data number of a signed document. */
export function evaluationNumber(document: DocumentFields): number {
  return document.integer('tcbEvaluationDataNumber', MAX_EVALUATION_NUMBER)
}

/** ISVSVN levels, sorted best first. */
export function readSvnLevels(of: DocumentFields): readonly SvnLevel[] {
  return of
    .objects('tcbLevels', 1)
    .map((level) => ({
      ...readLevel(level, COMPONENT_STATUSES),
      isvSvn: level.object('tcb').integer('isvsvn', 0xffff),
    }))
    .toSorted((a, b) => b.isvSvn - a.isvSvn)
}

/** Status, date and advisories of any level. */
export function readLevel<Status extends string>(
  level: DocumentFields,
  statuses: readonly Status[],
): TcbLevel<Status> {
  return {
    status: level.oneOf('tcbStatus', statuses),
    tcbDate: level.time('tcbDate'),
    advisoryIds: level.optionalTexts('advisoryIDs'),
  }
}
