import { concatBytes, utf8 } from '../bytes/bytes.ts'
import { sha384 } from '../bytes/hash.ts'
import { toBareHex } from '../bytes/hex.ts'
import { canonicalJson } from './canonical-json.ts'

/** Event type of dstack's RTMR3 events; boot events have others. */
export const RUNTIME_EVENT_TYPE = 0x08000001

const TYPE_LITTLE_ENDIAN = Uint8Array.of(0x01, 0x00, 0x00, 0x08)
const COLON = utf8(':')

/**
 * SHA-384 of a dstack runtime event's canonical bytes. Version 1 is binary (type u32le ‖ ":" ‖ name ‖ ":" ‖ payload),
 * version 2 the JCS text `{"name":"…","payload":"<lowercase hex>","type":134217729}`.
 */
export function runtimeEventDigest(
  name: string,
  payload: Uint8Array,
  version: 1 | 2 = 1,
): Uint8Array<ArrayBuffer> {
  return version === 1
    ? sha384(concatBytes(TYPE_LITTLE_ENDIAN, COLON, utf8(name), COLON, payload))
    : sha384(utf8(canonicalJson({ name, payload: toBareHex(payload), type: RUNTIME_EVENT_TYPE })))
}
