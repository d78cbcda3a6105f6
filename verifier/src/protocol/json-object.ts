import { decodeUtf8 } from '../bytes/bytes.ts'
import { JsonError, parseStrictJson } from '../bytes/strict-json.ts'
import { ProtocolError } from './protocol-error.ts'
import { asObject, type JsonObject } from './shape.ts'

const MAX_DEPTH = 32

/**
 * A JSON object, in which no member stands twice.
 * @throws ProtocolError `INPUT_UTF8`, `INPUT_JSON`, `INPUT_FIELD`
 */
export function parseJsonObject(bytes: Uint8Array, place: string): JsonObject {
  return asObject(parseJson(decodeUtf8(bytes, place), place), place)
}

/** JSON, in which no member stands twice. @throws ProtocolError `INPUT_JSON` */
export function parseJson(text: string, place: string): unknown {
  try {
    return parseStrictJson(text, { maxDepth: MAX_DEPTH })
  } catch (error) {
    if (!(error instanceof JsonError)) throw error
    throw new ProtocolError('INPUT_JSON', `${place}: ${error.message}`, { cause: error })
  }
}

/** A member's text; undefined where the member is missing. @throws ProtocolError `INPUT_FIELD` */
export function optionalText(object: JsonObject, member: string): string | undefined {
  const value = object[member]
  if (value === undefined || typeof value === 'string') return value
  throw new ProtocolError('INPUT_FIELD', `${member}: expected a string`)
}
