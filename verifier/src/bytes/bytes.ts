import { ProtocolError } from '../protocol/protocol-error.ts'

/** Joins byte strings. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}

/** Equality of public values; not constant time. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let index = 0; index < a.length; index++) {
    if (a[index] !== b[index]) return false
  }
  return true
}

/** Neither keeps anything from one call to the next. */
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** UTF-8 bytes of a text. Lone surrogates are refused, since they would be replaced silently. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  if (!text.isWellFormed()) throw new ProtocolError('INPUT_UTF8', 'text holds a lone surrogate')
  return encoder.encode(text)
}

/** Text of UTF-8 bytes; malformed input is refused, never repaired (attack E19). */
export function decodeUtf8(bytes: Uint8Array, place = 'text'): string {
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    throw new ProtocolError('INPUT_UTF8', `${place}: not well-formed UTF-8`, { cause })
  }
}
