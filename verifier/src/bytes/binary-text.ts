import { ProtocolError } from '../protocol/protocol-error.ts'
import { readBase64 } from './base64.ts'
import { fromBareHex } from './hex.ts'

/** Bytes written as hex, with or without `0x`, or as base64. @throws ProtocolError `INPUT_FIELD` */
export function parseBinary(value: unknown, place: string): Uint8Array {
  if (typeof value === 'string') {
    const hex = value.startsWith('0x') ? value.slice(2) : value
    if (hex.length % 2 === 0 && /^[0-9a-fA-F]*$/.test(hex)) return fromBareHex(hex)
    const bytes = readBase64(value)
    if (bytes !== undefined) return bytes
  }
  throw new ProtocolError('INPUT_FIELD', `${place}: expected hex or base64`)
}
