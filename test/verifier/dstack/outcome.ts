import { ERROR_CODES } from '../../../verifier/src/errors.ts'

/** What came of a reader: `passed`, or the code of its refusal. Anything else it throws is thrown on. */
export function outcome(read: () => unknown): string {
  try {
    read()
    return 'passed'
  } catch (error) {
    const code = (error as { code?: unknown }).code
    const known = ERROR_CODES.find((candidate) => candidate === code)
    if (known === undefined) throw error
    return known
  }
}
