import { JsonError, parseStrictJson } from '../bytes/strict-json.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'

/** Largest report of a dialect that is read. */
const MAX_REPORT_CHARACTERS: number = 4 * 1024 * 1024
const MAX_DEPTH = 24

/**
 * A JSON document that others wrote. No member may stand twice (attack E19); members that nobody here knows are kept
 * and not read.
 * @throws ProtocolError `INPUT_TOO_LARGE`, `INPUT_JSON`
 */
export function parseForeignJson(text: string, place: string): unknown {
  if (text.length > MAX_REPORT_CHARACTERS) {
    throw new ProtocolError(
      'INPUT_TOO_LARGE',
      `${place}: more than ${MAX_REPORT_CHARACTERS} characters`,
    )
  }
  try {
    return parseStrictJson(text, { maxDepth: MAX_DEPTH })
  } catch (error) {
    if (!(error instanceof JsonError)) throw error
    throw new ProtocolError('INPUT_JSON', `${place}: ${error.reason}`)
  }
}

/** A string or nothing. @throws ProtocolError `INPUT_FIELD` */
export function asTextOrNull(value: unknown, place: string, maxLength: number): string | null {
  if (value === null || value === undefined) return null
  if (typeof value !== 'string' || value.length > maxLength) {
    throw new ProtocolError('INPUT_FIELD', `${place}: expected a string, or null`)
  }
  return value
}
