import { CheckFailure, type CheckFailureCode } from './check-failure.ts'

/**
 * One named check. Passed carries what was seen, failed what was wanted and what came, skipped why it was not made.
 */
export type Check<Name extends string = string> =
  | {
      readonly name: Name
      readonly status: 'passed'
      readonly evidence: Readonly<Record<string, unknown>>
    }
  | {
      readonly name: Name
      readonly status: 'failed'
      readonly expected: string
      readonly actual: string
      /** Stable name of the fault, where the check knows several (docs/errors.md). */
      readonly code?: CheckFailureCode
    }
  | { readonly name: Name; readonly status: 'skipped'; readonly because: string }

/** A check that was made and held. */
export function passed<Name extends string>(
  name: Name,
  evidence: Readonly<Record<string, unknown>>,
): Check<Name> {
  return { name, status: 'passed', evidence }
}

/** A check that was made and did not hold. */
export function failed<Name extends string>(
  name: Name,
  expected: string,
  actual: string,
  code?: CheckFailureCode,
): Check<Name> {
  const check = { name, status: 'failed', expected, actual } as const
  return code === undefined ? check : { ...check, code }
}

/** A check that was not made. Never counts as passed. */
export function skipped<Name extends string>(name: Name, because: string): Check<Name> {
  return { name, status: 'skipped', because }
}

/** The result of a rule that throws what it objects to. */
export function objection<Name extends string>(name: Name, error: unknown): Check<Name> {
  if (!(error instanceof CheckFailure)) throw error
  return failed(name, error.expected, error.actual, error.code)
}
