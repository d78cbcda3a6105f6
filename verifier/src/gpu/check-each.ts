import { VerifierError } from '../errors.ts'
import { CheckFailure, type CheckFailureCode } from '../report/check-failure.ts'
import { failed, passed, type Check } from '../report/check.ts'
import { DerError } from '../x509/der.ts'
import type { GpuCheckName } from './gpu-report.ts'

/** What was found of one device: a value, or what a rule objected to. */
export type Found<Value> =
  { readonly value: Value; readonly failure?: undefined } | { readonly failure: CheckFailure }

/** Codes that a parser and a check share. */
const PARSER_CODES: readonly string[] = [
  'GPU_REPORT_INVALID',
  'OCSP_INVALID',
] satisfies readonly CheckFailureCode[]

/** Applies a rule; whatever it throws is an objection, with the code of the check where the parser's is of another kind. */
export async function find<Value>(
  rule: () => Value | Promise<Value>,
  code: CheckFailureCode,
): Promise<Found<Value>> {
  try {
    return { value: await rule() }
  } catch (error) {
    return { failure: asFailure(error, code) }
  }
}

function asFailure(error: unknown, code: CheckFailureCode): CheckFailure {
  if (error instanceof CheckFailure) return error
  if (error instanceof VerifierError) {
    const own = PARSER_CODES.includes(error.code) ? (error.code as CheckFailureCode) : code
    return new CheckFailure(own, 'well-formed input', error.message, { cause: error })
  }
  if (error instanceof DerError) return new CheckFailure(code, 'strict DER', error.message)
  throw error
}

/** A check of every device: passed where all are, else what the first in order objects to, and where. */
export function checkAll<Name extends GpuCheckName, Value>(
  name: Name,
  places: readonly string[],
  found: readonly Found<Value>[],
  evidence: (values: readonly Value[]) => Readonly<Record<string, unknown>>,
): Check<Name> {
  const values: Value[] = []
  for (const [index, one] of found.entries()) {
    if (one.failure !== undefined) {
      const { expected, actual, code } = one.failure
      return failed(name, `${places[index] ?? 'device'}: ${expected}`, actual, code)
    }
    values.push(one.value)
  }
  return passed(name, evidence(values))
}

/** A check of the whole set. */
export function checkSet<Name extends GpuCheckName>(
  name: Name,
  rule: () => Readonly<Record<string, unknown>>,
): Check<Name> {
  try {
    return passed(name, rule())
  } catch (error) {
    if (!(error instanceof CheckFailure)) throw error
    return failed(name, error.expected, error.actual, error.code)
  }
}
