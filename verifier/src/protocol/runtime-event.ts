import { concatBytes, utf8 } from '../bytes/bytes.ts'
import { sha384 } from '../bytes/hash.ts'

/** Event type of dstack's RTMR3 events; boot events have others. */
export const RUNTIME_EVENT_TYPE = 0x08000001

const TYPE_LITTLE_ENDIAN = Uint8Array.of(0x01, 0x00, 0x00, 0x08)
const COLON = utf8(':')

/** Digest of a dstack runtime event, version 1: SHA-384(type u32le ‖ ":" ‖ name ‖ ":" ‖ payload). */
export function runtimeEventDigest(name: string, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  return sha384(concatBytes(TYPE_LITTLE_ENDIAN, COLON, utf8(name), COLON, payload))
}
