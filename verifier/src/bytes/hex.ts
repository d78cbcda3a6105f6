import { ProtocolError } from '../protocol/protocol-error.ts'

/** Hex with `0x`, the form of digests, addresses and keys in our JSON and reports. */
export type Hex = `0x${string}`

const BYTE_TO_HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, '0'),
)

/** Lowercase hex without prefix, the form of ACI, dstack and Intel documents. */
export function toBareHex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += BYTE_TO_HEX[byte] ?? ''
  return text
}

/** Lowercase hex with `0x`. */
export function toHex(bytes: Uint8Array): Hex {
  return `0x${toBareHex(bytes)}`
}

/** Value of each hex digit by its code; every other code has none. */
const VALUES = new Int8Array(128).fill(-1)
for (let value = 0; value < 16; value++) {
  VALUES[value.toString(16).charCodeAt(0)] = value
  VALUES[value.toString(16).toUpperCase().charCodeAt(0)] = value
}

/** Bytes of hex without prefix; `length` in bytes. Throws `INPUT_HEX` on anything that is not even hex all through. */
export function fromBareHex(text: string, length?: number, place = 'hex'): Uint8Array<ArrayBuffer> {
  return decode(text, 0, length, place)
}

/** Bytes of hex with `0x`; `length` in bytes. */
export function fromHex(text: string, length?: number, place = 'hex'): Uint8Array<ArrayBuffer> {
  if (!text.startsWith('0x')) throw new ProtocolError('INPUT_HEX', `${place}: expected 0x`)
  return decode(text, 2, length, place)
}

function decode(
  text: string,
  from: number,
  length: number | undefined,
  place: string,
): Uint8Array<ArrayBuffer> {
  const digits = text.length - from
  const bytes = new Uint8Array(digits >> 1)
  // One look at each character: a value of -1 leaves its sign in what is joined of all.
  let joined = digits % 2 === 0 ? 0 : -1
  let at = from
  for (let to = 0; to < bytes.length; to++) {
    const high = VALUES[text.charCodeAt(at++)] ?? -1
    const low = VALUES[text.charCodeAt(at++)] ?? -1
    joined |= high | low
    bytes[to] = (high << 4) | low
  }
  if (joined < 0) {
    throw new ProtocolError('INPUT_HEX', `${place}: expected hex digits in pairs`)
  }
  if (length !== undefined && bytes.length !== length) {
    throw new ProtocolError('INPUT_HEX', `${place}: expected ${length} bytes, got ${bytes.length}`)
  }
  return bytes
}
