import { ProtocolError } from '../protocol/protocol-error.ts'

/** Hex with `0x`, the form of digests, addresses and keys in our JSON and reports. */
export type Hex = `0x${string}`

/** Lowercase hex without prefix, the form of ACI, dstack and Intel documents. */
export function toBareHex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0')
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
  return Uint8Array.from({ length: text.length / 2 }, (_, index) =>
    Number.parseInt(text.slice(index * 2, index * 2 + 2), 16),
  )
}

/** Bytes of hex with `0x`; `length` in bytes. */
export function fromHex(text: string, length?: number, place = 'hex'): Uint8Array<ArrayBuffer> {
  if (!text.startsWith('0x')) throw new ProtocolError('INPUT_HEX', `${place}: expected 0x`)
  return fromBareHex(text.slice(2), length, place)
}
