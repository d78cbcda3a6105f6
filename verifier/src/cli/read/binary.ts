import { fromBareHex } from '../../bytes/hex.ts'
import { ProtocolError } from '../../protocol/protocol-error.ts'
import { fromBase64 } from '../../x509/pem.ts'

/** Bytes written as hex, with or without `0x`, or as base64. @throws ProtocolError `INPUT_FIELD` */
export function parseBinary(value: unknown, place: string): Uint8Array {
  if (typeof value === 'string') {
    const hex = value.startsWith('0x') ? value.slice(2) : value
    if (hex.length % 2 === 0 && /^[0-9a-fA-F]*$/.test(hex)) return fromBareHex(hex)
    try {
      return fromBase64(value)
    } catch (error) {
      if (!(error instanceof RangeError || error instanceof DOMException)) throw error
    }
  }
  throw new ProtocolError('INPUT_FIELD', `${place}: expected hex or base64`)
}
