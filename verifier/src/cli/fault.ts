import { VerifierError } from '../errors.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import type { Check } from '../report/check.ts'

/** Why an input cannot be judged: a code of docs/errors.md, and the sentence that goes with it. */
export interface Fault {
  readonly code: string
  readonly message: string
}

/** The fault of a coded error. Any other error is one of this program, and thrown on. */
export function faultOf(error: unknown): Fault {
  if (error instanceof VerifierError || error instanceof ProtocolError) {
    return { code: error.code, message: error.message }
  }
  throw error
}

/** A fault as a check of the report: the only one of an input that cannot be parsed. */
export function inputCheck({ code, message }: Fault): InputCheck {
  const expected = 'an input that can be parsed'
  return { name: 'input', status: 'failed', code, expected, actual: message }
}

/** That an input could not be parsed. */
export interface InputCheck {
  readonly name: 'input'
  readonly status: 'failed'
  readonly code: string
  readonly expected: string
  readonly actual: string
}

/** A check of a report, or why there is none. */
export type ReportedCheck = Check | InputCheck

/** Code of the first failed check; its name where it has none; null where nothing failed. */
export function firstFailure(checks: readonly ReportedCheck[]): string | null {
  for (const check of checks) {
    if (check.status === 'failed') return check.code ?? check.name
  }
  return null
}
