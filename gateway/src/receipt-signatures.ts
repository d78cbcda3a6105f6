import { createRequire } from 'node:module'
import type { ReceiptSignatures } from '@jeju/verifier'
import { nativeSignatures } from '@jeju/verifier/node'

/** libsodium through `sodium-native` 5, which has no types of its own, as far as it is used. */
interface Sodium {
  crypto_sign_verify_detached(
    signature: Uint8Array,
    message: Uint8Array,
    publicKey: Uint8Array,
  ): boolean
}

const KEY_BYTES = 32
const SIGNATURE_BYTES = 64

const require = createRequire(import.meta.url)
const sodium = loadSodium()

/** Whether Ed25519 is libsodium's here, which takes half the time of Node's own. */
export const isSodium: boolean = sodium !== undefined

/**
 * The signatures of receipts and requests in native code: three are checked for every answer, and they are most of what
 * it costs. The only file that knows libsodium; Node's own code does the work where there is none.
 */
export const receiptSignatures: ReceiptSignatures = {
  ...nativeSignatures,
  verifyEd25519: (signature, message, publicKey) => {
    if (sodium === undefined) return nativeSignatures.verifyEd25519(signature, message, publicKey)
    if (publicKey.length !== KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false
    return sodium.crypto_sign_verify_detached(signature, message, publicKey)
  },
}

/** Undefined where there is no binding for this platform. */
function loadSodium(): Sodium | undefined {
  try {
    return require('sodium-native') as Sodium
  } catch {
    return undefined
  }
}
