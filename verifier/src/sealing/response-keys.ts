import { concatBytes, utf8 } from '../bytes/bytes.ts'
import { hmacSha256 } from '../bytes/hash.ts'

/** Bytes of a response nonce. */
export const RESPONSE_NONCE_BYTES = 32

/** Key and nonce base of one sealed answer. */
export interface ResponseKeys {
  /** AES-256. */
  readonly key: Uint8Array<ArrayBuffer>
  /** 12 bytes. */
  readonly nonceBase: Uint8Array<ArrayBuffer>
}

/** HKDF-SHA256 over enc ‖ response nonce (EHBP, response encryption; RFC 9458 §4.4 has the same form). */
export function deriveResponseKeys(
  secret: Uint8Array,
  encapsulated: Uint8Array,
  responseNonce: Uint8Array,
): ResponseKeys {
  const prk = hmacSha256(concatBytes(encapsulated, responseNonce), secret)
  return {
    key: expand(prk, 'key'),
    nonceBase: expand(prk, 'nonce').slice(0, 12),
  }
}

/** First block of HKDF-Expand (RFC 5869 §2.3), 32 bytes. */
function expand(prk: Uint8Array, info: string): Uint8Array<ArrayBuffer> {
  return hmacSha256(prk, concatBytes(utf8(info), Uint8Array.of(1)))
}

/** Nonce of frame `index`: the base, its last 8 bytes XORed with the index (EHBP, response encryption). */
export function frameNonce(nonceBase: Uint8Array, index: number): Uint8Array<ArrayBuffer> {
  const counter = new Uint8Array(12)
  new DataView(counter.buffer).setBigUint64(4, BigInt(index))
  return counter.map((byte, at) => byte ^ (nonceBase[at] ?? 0))
}
