import { ProtocolError } from './protocol-error.ts'

/** JSON values our documents may hold: no non-integer numbers, since only integers have one obvious form. */
export type JsonValue =
  null | boolean | number | string | readonly JsonValue[] | { readonly [member: string]: JsonValue }

/** Nesting beyond this is refused before it can exhaust the stack. */
const MAX_JSON_DEPTH = 32

/**
 * JCS (RFC 8785) of a value: members sorted by UTF-16 code units, no white space, integers only.
 * @throws ProtocolError `INPUT_JSON` on a value outside that subset
 */
export function canonicalJson(value: JsonValue): string {
  return write(value, 0)
}

function write(value: JsonValue, depth: number): string {
  if (depth > MAX_JSON_DEPTH) throw new ProtocolError('INPUT_JSON', 'nested too deeply')
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw new ProtocolError('INPUT_JSON', 'lone surrogate in a string')
    return JSON.stringify(value)
  }
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) {
      throw new ProtocolError('INPUT_JSON', 'number is not a safe integer')
    }
    return JSON.stringify(value)
  }
  if (Array.isArray(value)) {
    return `[${value.map((item: JsonValue) => write(item, depth + 1)).join(',')}]`
  }
  const object = value as { readonly [member: string]: JsonValue }
  let text = ''
  for (const name of sortedNames(object)) {
    const member = object[name]
    if (member === undefined) throw new ProtocolError('INPUT_JSON', 'a member without a value')
    if (text !== '') text += ','
    text += `${write(name, depth)}:${write(member, depth + 1)}`
  }
  return `{${text}}`
}

/** Of a document that is canonical already they stand in order. */
function sortedNames(object: { readonly [member: string]: JsonValue }): readonly string[] {
  const names = Object.keys(object)
  for (let at = 1; at < names.length; at++) {
    if ((names[at - 1] ?? '') > (names[at] ?? '')) return names.toSorted()
  }
  return names
}

/**
 * Parses a text that must be its own canonical form. Whatever two parsers could read differently — doubled
 * members, white space, other spellings of numbers and escapes — is refused by that one rule (attack E19).
 */
export function parseCanonicalJson(text: string, place: string): JsonValue {
  const value = parseJson(text, place)
  let canonical: string
  try {
    canonical = canonicalJson(value)
  } catch (cause) {
    throw new ProtocolError('INPUT_JSON', `${place}: not canonical JSON (RFC 8785)`, { cause })
  }
  if (canonical !== text) {
    throw new ProtocolError('INPUT_JSON', `${place}: not canonical JSON (RFC 8785)`)
  }
  return value
}

/**
 * As {@link parseCanonicalJson}, of a kind of document whose canonical text has a form of its own. `quick` gives the
 * document of a text that has that form as a whole, letter by letter, and undefined for any other, which is judged as by
 * {@link parseCanonicalJson}: so refusals are the same ones, and what `quick` does not know costs time and nothing else.
 */
export function parseCanonicalDocument<Document>(
  text: string,
  place: string,
  read: (value: unknown) => Document,
  quick: (text: string) => Document | undefined,
): Document {
  return quick(text) ?? read(parseCanonicalJson(text, place))
}

function parseJson(text: string, place: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue
  } catch {
    // The parser's own message quotes the input.
    throw new ProtocolError('INPUT_JSON', `${place}: not JSON`)
  }
}
