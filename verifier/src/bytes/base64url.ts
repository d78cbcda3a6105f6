import { ProtocolError } from '../protocol/protocol-error.ts'
import { toBase64 } from './base64.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
/** Value of each character by its code; every other code has none. */
const VALUES = new Int8Array(128).fill(-1)
for (let value = 0; value < ALPHABET.length; value++) VALUES[ALPHABET.charCodeAt(value)] = value
/** By the length of a text modulo 4. */
const UNUSED_BITS = [0, 0, 0x0f, 0x03]

/** Base64url without padding (RFC 4648 §5). */
export function toBase64Url(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

/** Bytes of unpadded base64url. A second spelling of the same bytes is refused (RFC 4648 §3.5, attack E19). */
export function fromBase64Url(text: string, place = 'base64url'): Uint8Array<ArrayBuffer> {
  const rest = text.length % 4
  const bytes = new Uint8Array((text.length * 3) >> 2)
  // One look at each character: a value of -1 leaves its sign in what is joined of all.
  let joined = rest === 1 ? -1 : 0
  let to = 0
  const whole = text.length - rest
  for (let at = 0; at < whole; at += 4) {
    const a = valueAt(text, at)
    const b = valueAt(text, at + 1)
    const c = valueAt(text, at + 2)
    const d = valueAt(text, at + 3)
    joined |= a | b | c | d
    bytes[to++] = (a << 2) | (b >> 4)
    bytes[to++] = (b << 4) | (c >> 2)
    bytes[to++] = (c << 6) | d
  }
  let last = 0
  if (rest > 1) {
    const a = valueAt(text, whole)
    const b = valueAt(text, whole + 1)
    last = rest === 2 ? b : valueAt(text, whole + 2)
    joined |= a | b | last
    bytes[to++] = (a << 2) | (b >> 4)
    if (rest === 3) bytes[to] = (b << 4) | (last >> 2)
  }
  if (joined < 0) {
    throw new ProtocolError('INPUT_BASE64URL', `${place}: expected unpadded base64url`)
  }
  // Of the last character some bits stand for nothing; every other one has one meaning.
  if ((last & (UNUSED_BITS[rest] ?? 0)) !== 0) {
    throw new ProtocolError('INPUT_BASE64URL', `${place}: unused bits are not zero`)
  }
  return bytes
}

function valueAt(text: string, at: number): number {
  return VALUES[text.charCodeAt(at)] ?? -1
}
