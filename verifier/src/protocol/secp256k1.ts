import { getPublicKey, hashes, Point, recoverPublicKey, sign, Signature } from '@noble/secp256k1'
import { concatBytes } from '../bytes/bytes.ts'
import { hmacSha256 } from '../bytes/hash.ts'

/** secp256k1 (SEC 2 v2 §2.4.1) as far as this package needs it: over digests, low-s only, keys as bytes. */

const DIGEST_BYTES = 32
const SIGNATURE_BYTES = 64
const COMPRESSED_BYTES = 33
const MAX_RECOVERY_ID = 3

/** 33 or 65 bytes (SEC 1 v2 §2.3.3). */
export type KeyForm = 'compressed' | 'uncompressed'

/** The public key that made a signature, or why there is none. */
export type Recovered = { readonly publicKey: Uint8Array } | { readonly fault: string }

/**
 * The key that signed a digest (SEC 1 v2 §4.1.6). `signature` is r ‖ s, each from 1 to n - 1, and s in the lower half:
 * with s and n - s both taken, one statement would have two signatures (attack P21).
 */
export function recover(
  digest: Uint8Array,
  signature: Uint8Array,
  recoveryId: number,
  form: KeyForm,
): Recovered {
  // The library would cut a longer digest short and take a shorter one for a number.
  if (digest.length !== DIGEST_BYTES) return { fault: `digest of ${digest.length} bytes` }
  if (signature.length !== SIGNATURE_BYTES) return { fault: `${signature.length} bytes` }
  if (!Number.isInteger(recoveryId) || recoveryId < 0 || recoveryId > MAX_RECOVERY_ID) {
    return { fault: `v ${recoveryId}` }
  }
  try {
    const parsed = Signature.fromBytes(signature)
    if (parsed.hasHighS()) return { fault: 's is high' }
    const recoverable = parsed.addRecoveryBit(recoveryId).toBytes('recovered')
    const isCompressed = form === 'compressed'
    return { publicKey: recoverPublicKey(recoverable, digest, { prehash: false, isCompressed }) }
  } catch {
    return { fault: 'recovers to no key' }
  }
}

/** Signs a digest (RFC 6979, low-s): r ‖ s ‖ recovery id, 65 bytes. */
export function signRecoverable(digest: Uint8Array, privateKey: Uint8Array): Uint8Array {
  // A slot that all users of the library share: set at each use, so that no signature depends on who set it last.
  hashes.hmacSha256 = hmacSha256
  const signature = sign(digest, privateKey, { prehash: false, lowS: true, format: 'recovered' })
  // The library puts the recovery id first.
  return concatBytes(signature.subarray(1), signature.subarray(0, 1))
}

/** Public key of a private key. */
export function publicKeyOf(privateKey: Uint8Array, form: KeyForm): Uint8Array {
  return getPublicKey(privateKey, form === 'compressed')
}

/** A compressed public key, uncompressed; undefined when it is no point of the curve. */
export function uncompress(publicKey: Uint8Array): Uint8Array | undefined {
  if (publicKey.length !== COMPRESSED_BYTES) return undefined
  try {
    return Point.fromBytes(publicKey).toBytes(false)
  } catch {
    return undefined
  }
}
