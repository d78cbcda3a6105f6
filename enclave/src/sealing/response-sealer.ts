import { createCipheriv, randomBytes } from 'node:crypto'
import {
  deriveResponseKeys,
  encodeFrame,
  frameNonce,
  RESPONSE_NONCE_BYTES,
} from '@jeju/verifier/sealing'

/** Seals one answer, piece by piece. */
export interface ResponseSealer {
  /** 32 random bytes that the answer's header names. */
  readonly nonce: Uint8Array
  /** The frame of the next piece. Each call takes a number of its own: no two texts ever share one. */
  seal(plaintext: Uint8Array): Uint8Array<ArrayBuffer>
}

/** A sealer under the secret of an opened request (docs/protocol.md §10). */
export function createResponseSealer(
  responseSecret: Uint8Array,
  encapsulated: Uint8Array,
): ResponseSealer {
  const nonce = new Uint8Array(randomBytes(RESPONSE_NONCE_BYTES))
  const { key, nonceBase } = deriveResponseKeys(responseSecret, encapsulated, nonce)
  let index = 0
  return {
    nonce,
    seal: (plaintext) => {
      const cipher = createCipheriv('aes-256-gcm', key, frameNonce(nonceBase, index++))
      const parts = [cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]
      return encodeFrame(new Uint8Array(Buffer.concat(parts)))
    },
  }
}
