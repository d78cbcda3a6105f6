import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto'
import { createRequire } from 'node:module'
import type { ReceiptSignatures } from '@jeju/verifier'
import {
  fromHex,
  keccak256,
  ProtocolError,
  toHex,
  type Sha256Stream,
} from '@jeju/verifier/protocol'

/** What this file uses of `secp256k1` 5, which has no types of its own. The only file that knows it. */
interface Secp256k1 {
  signatureNormalize(signature: Uint8Array): Uint8Array
  ecdsaRecover(
    signature: Uint8Array,
    recoveryId: number,
    digest: Uint8Array,
    compressed: boolean,
  ): Uint8Array
}

const secp256k1 = createRequire(import.meta.url)('secp256k1') as Secp256k1

/** Ed25519 public keys in DER (RFC 8410) up to the key itself. */
const ED25519_SPKI = fromHex('0x302a300506032b6570032100')
const ED25519_KEY_BYTES = 32
/** Keys of as many receipts are kept imported. */
const MAX_KEPT_KEYS = 1024

/**
 * Signature checks in native code: two of them are made for every answer, and in JavaScript they would be most of its
 * cost. They accept what those of `@jeju/verifier/protocol` accept.
 */
export function createNativeSignatures(): ReceiptSignatures {
  const keys = new Map<string, KeyObject>()
  return {
    recoverAddress: (digest, signature) => {
      const bytes = fromHex(signature, 65, 'signature')
      const v = bytes[64]
      if (v !== 27 && v !== 28) throw wrong('expected v 27 or 28')
      const compact = bytes.slice(0, 64)
      try {
        // Two signatures for one statement otherwise (attack P21).
        const isHigh = Buffer.compare(secp256k1.signatureNormalize(compact.slice()), compact) !== 0
        if (isHigh) throw wrong('s is high')
        const point = secp256k1.ecdsaRecover(compact, v - 27, fromHex(digest, 32, 'digest'), false)
        return toHex(keccak256(point.subarray(1)).subarray(12))
      } catch (error) {
        throw error instanceof ProtocolError ? error : wrong('recovers to no key')
      }
    },
    verifyEd25519: (signature, message, publicKey) => {
      try {
        return verify(null, message, keyOf(publicKey, keys), signature)
      } catch {
        return false
      }
    },
  }
}

/** A running SHA-256 in native code. */
export function nativeSha256(): Sha256Stream {
  return createHash('sha256')
}

function keyOf(publicKey: Uint8Array, keys: Map<string, KeyObject>): KeyObject {
  const name = Buffer.from(publicKey).toString('latin1')
  const known = keys.get(name)
  if (known !== undefined) return known
  if (publicKey.length !== ED25519_KEY_BYTES) throw wrong(`a key of ${publicKey.length} bytes`)
  const key = createPublicKey({
    key: Buffer.concat([ED25519_SPKI, publicKey]),
    format: 'der',
    type: 'spki',
  })
  if (keys.size >= MAX_KEPT_KEYS) keys.clear()
  keys.set(name, key)
  return key
}

function wrong(text: string): ProtocolError {
  return new ProtocolError('INPUT_SIGNATURE', `signature: ${text}`)
}
