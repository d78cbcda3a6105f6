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

/** Bytes of hex without prefix; `length` in bytes. Throws `INPUT_HEX` on anything that is not even hex all through. */
export function fromBareHex(text: string, length?: number, place = 'hex'): Uint8Array<ArrayBuffer> {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) {
    throw new ProtocolError('INPUT_HEX', `${place}: expected hex digits in pairs`)
  }
  if (length !== undefined && text.length !== length * 2) {
    throw new ProtocolError(
      'INPUT_HEX',
      `${place}: expected ${length} bytes, got ${text.length / 2}`,
    )
  }
  const bytes = new Uint8Array(text.length / 2)
  for (let index = 0; index < bytes.length; index++) {
    const high = hexDigit(text.charCodeAt(index * 2))
    bytes[index] = (high << 4) | hexDigit(text.charCodeAt(index * 2 + 1))
  }
  return bytes
}

/** Value of a character known to be a hex digit: 0 to 9, or a letter, whose low bits count from 1. */
function hexDigit(code: number): number {
  return code <= 0x39 ? code - 0x30 : (code & 0x0f) + 9
}

/** Bytes of hex with `0x`; `length` in bytes. */
export function fromHex(text: string, length?: number, place = 'hex'): Uint8Array<ArrayBuffer> {
  if (!text.startsWith('0x')) throw new ProtocolError('INPUT_HEX', `${place}: expected 0x`)
  return fromBareHex(text.slice(2), length, place)
}
