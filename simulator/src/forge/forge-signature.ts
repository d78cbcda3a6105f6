import { p256 } from '@noble/curves/nist.js'
import { concatBytes, sha256, toBareHex } from '@jeju/verifier/protocol'
import { sign, type KeyPair } from '../pki/signing-key.ts'

/** How a signature comes out: valid in one of its two forms, or with values no signature may have. */
export type ForgedSignature =
  | 'low-s'
  | 'high-s'
  | 'flipped' // the last bit of s
  | 'zero' // r = s = 0
  | 'r-zero'
  | 's-zero'
  | 'r-order' // r = n
  | 's-order'
  | 'ones' // every bit

const SCALAR_BYTES = 32

/** r ‖ s in that form; without one, a valid signature. */
export function forgeSignature(
  key: KeyPair,
  message: Uint8Array,
  form: ForgedSignature | undefined,
): Uint8Array<ArrayBuffer> {
  const zero = new Uint8Array(SCALAR_BYTES)
  const order = orderBytes()
  switch (form) {
    case undefined:
      return signOnce(key, message)
    case 'low-s':
    case 'high-s':
      return sign(key, message, form)
    case 'flipped': {
      const signature = signOnce(key, message)
      signature[63] = (signature[63] ?? 0) ^ 1
      return signature
    }
    case 'zero':
      return concatBytes(zero, zero)
    case 'r-zero':
      return concatBytes(zero, signOnce(key, message).subarray(SCALAR_BYTES))
    case 's-zero':
      return concatBytes(signOnce(key, message).subarray(0, SCALAR_BYTES), zero)
    case 'r-order':
      return concatBytes(order, signOnce(key, message).subarray(SCALAR_BYTES))
    case 's-order':
      return concatBytes(signOnce(key, message).subarray(0, SCALAR_BYTES), order)
    case 'ones':
      return new Uint8Array(2 * SCALAR_BYTES).fill(0xff)
  }
}

/** Most parts of most forgeries are the same, and signing is what takes the time. */
const made = new WeakMap<KeyPair, Map<string, Uint8Array>>()

function signOnce(key: KeyPair, message: Uint8Array): Uint8Array<ArrayBuffer> {
  const ofKey = made.get(key) ?? new Map<string, Uint8Array>()
  made.set(key, ofKey)
  const digest = toBareHex(sha256(message))
  const signature = ofKey.get(digest) ?? sign(key, message)
  ofKey.set(digest, signature)
  return signature.slice()
}

function orderBytes(): Uint8Array {
  const hex = p256.Point.Fn.ORDER.toString(16).padStart(2 * SCALAR_BYTES, '0')
  return new Uint8Array(Buffer.from(hex, 'hex'))
}
