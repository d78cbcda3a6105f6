import { decodeUtf8 } from '../bytes/bytes.ts'
import { fromBareHex } from '../bytes/hex.ts'
import { endOfValue } from '../bytes/json-span.ts'
import { JsonError, parseStrictJson } from '../bytes/strict-json.ts'
import { CollateralFetchError } from './collateral-fetch-error.ts'

const MAX_DEPTH = 17
const SIGNATURE_BYTES = 64
const MEMBER = /[ \t\n\r]*"([^"\\]*)"[ \t\n\r]*:[ \t\n\r]*/y

/** A document with its signature, as the service sends them. */
export interface SignedAnswer {
  /** Exact text of the signed value: its UTF-8 is what was signed. */
  readonly text: string
  /** r ‖ s. */
  readonly signature: Uint8Array
}

/**
 * Cuts the signed value out of `{"<member>":…,"signature":"<128 hex>"}`. It is never parsed and written again, since
 * another spelling of the same value has another signature; a member that comes twice is refused (attack E19).
 * @throws CollateralFetchError
 */
export function readSignedAnswer(body: Uint8Array, member: string, place: string): SignedAnswer {
  const json = readText(body, place)
  const value = parse(json, place)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(place, 'expected an object')
  }
  const text = cutValue(json, member)
  if (text === undefined) throw invalid(place, `expected the member ${member}`)
  const { signature } = value as { readonly signature?: unknown }
  if (typeof signature !== 'string') throw invalid(place, 'expected the member signature')
  try {
    return { text, signature: fromBareHex(signature, SIGNATURE_BYTES) }
  } catch (cause) {
    throw invalid(place, `signature: expected ${SIGNATURE_BYTES} bytes in hex`, cause)
  }
}

function invalid(place: string, problem: string, cause?: unknown): CollateralFetchError {
  return new CollateralFetchError('FETCH_BODY_INVALID', `${place}: ${problem}`, { cause })
}

/** Well-formed UTF-8 only, so that a span of the text is a span of the bytes. */
function readText(body: Uint8Array, place: string): string {
  try {
    return decodeUtf8(body)
  } catch (cause) {
    throw invalid(place, 'not UTF-8', cause)
  }
}

function parse(json: string, place: string): unknown {
  try {
    return parseStrictJson(json, { maxDepth: MAX_DEPTH })
  } catch (error) {
    if (!(error instanceof JsonError)) throw error
    if (error.reason !== 'duplicate') throw invalid(place, error.message, error)
    const message = `${place}: ${error.message}`
    throw new CollateralFetchError('FETCH_DUPLICATE_MEMBER', message, { cause: error })
  }
}

/** The span of a top-level member's value in text that is known to be one JSON object, each name once. */
function cutValue(json: string, member: string): string | undefined {
  let at = json.indexOf('{') + 1
  for (;;) {
    MEMBER.lastIndex = at
    const found = MEMBER.exec(json)
    // An empty object, or a name with an escape, which the service never sends.
    if (found === null) return undefined
    const start = MEMBER.lastIndex
    const end = endOfValue(json, start)
    if (found[1] === member) return json.slice(start, end).trimEnd()
    if (json[end] === '}') return undefined
    at = end + 1
  }
}
