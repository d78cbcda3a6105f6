import { createRequire } from 'node:module'

/** libsecp256k1 through `secp256k1` 5, which has no types of its own, as far as it is used; the only file that knows it. */
export interface NativeSecp256k1 {
  /** Throws where there is no such key. */
  ecdsaRecover(
    signature: Uint8Array,
    recoveryId: number,
    digest: Uint8Array,
    compressed: boolean,
  ): Uint8Array
  /** RFC 6979, low s. Throws where the key is none. */
  ecdsaSign(
    digest: Uint8Array,
    privateKey: Uint8Array,
  ): { readonly signature: Uint8Array; readonly recid: number }
}

/**
 * Undefined where the package is not installed, or has no binding for this platform. Its own way out, elliptic, is never
 * taken.
 */
export function loadNativeSecp256k1(): NativeSecp256k1 | undefined {
  try {
    return createRequire(import.meta.url)('secp256k1/bindings.js') as NativeSecp256k1
  } catch {
    return undefined
  }
}
