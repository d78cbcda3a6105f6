import {
  createHash,
  createPrivateKey,
  createPublicKey,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto'
import { fromBase64Url } from '../bytes/base64url.ts'
import { byteKey } from '../bytes/byte-key.ts'
import { keccak256 as portableKeccak256, type Sha256Stream } from '../bytes/hash.ts'
import { fromHex, toHex, type Hex } from '../bytes/hex.ts'
import { Recent } from '../bytes/recent.ts'
import type { ReceiptSigning } from '../protocol/compute-receipt.ts'
import { recoverAddress, signDigest, signEd25519 } from '../protocol/signatures.ts'
import type { ReceiptSignatures } from '../receipt/receipt-expectation.ts'
import { loadNativeSecp256k1, type NativeSecp256k1 } from './native-secp256k1.ts'
import { loadKeccak256 } from './wasm-keccak.ts'

/** Half of the group order (SEC 2 v2 §2.4.1), big-endian: the largest low s. */
const HALF_ORDER: Uint8Array = fromHex(
  '0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0',
  32,
  'order',
)
/** Ed25519 keys in DER up to the 32 bytes of the key itself (RFC 8410 §4, §7). */
const ED25519_SPKI = fromHex('0x302a300506032b6570032100')
const ED25519_PKCS8 = fromHex('0x302e020100300506032b657004220420')
const ED25519_KEY_BYTES = 32
/** Keys of as many receipts are kept imported. */
const MAX_KEPT_KEYS = 1024

const secp256k1 = loadNativeSecp256k1()
const keccak256 = (await loadKeccak256()) ?? portableKeccak256
const publicKeys = new Recent<KeyObject>(MAX_KEPT_KEYS)
const addresses = new Recent<Hex>(MAX_KEPT_KEYS)
/** By the very array that the caller holds: no copy of a private key outlives his. */
const privateKeys = new WeakMap<Uint8Array, KeyObject>()

/** Whether secp256k1 is native here; about twenty times as fast as the code that runs everywhere. */
export const isNativeSecp256k1: boolean = secp256k1 !== undefined

/**
 * The signatures of receipts and requests in native code: several are made or checked for every answer, and in JavaScript
 * they would be most of its cost. They give the same bytes and the same refusals as those of `@jeju/verifier/protocol`,
 * which do the work where there is no native code.
 */
export const nativeSignatures: ReceiptSignatures & ReceiptSigning = {
  keccak256,
  recoverAddress: (digest, signature) => {
    const point = secp256k1 && recoverPoint(secp256k1, digest, signature)
    // Whatever is refused, the protocol's own code refuses, in its own words.
    return point === undefined ? recoverAddress(digest, signature) : addressOfPoint(point)
  },
  signDigest: (digest, privateKey) => {
    if (secp256k1 === undefined) return signDigest(digest, privateKey)
    const { signature, recid } = secp256k1.ecdsaSign(fromHex(digest, 32, 'digest'), privateKey)
    const bytes = new Uint8Array(65)
    bytes.set(signature)
    bytes[64] = 27 + recid
    return toHex(bytes)
  },
  verifyEd25519: (signature, message, publicKey) => {
    if (publicKey.length !== ED25519_KEY_BYTES) return false
    try {
      return verify(null, message, publicKeyOf(publicKey), signature)
    } catch {
      return false
    }
  },
  signEd25519: (message, seed) =>
    seed.length === ED25519_KEY_BYTES
      ? new Uint8Array(sign(null, message, privateKeyOf(seed)))
      : signEd25519(message, seed),
}

/** As `verifyEd25519` of {@link nativeSignatures}, in the pool of threads: other work goes on meanwhile. */
export function verifyEd25519InPool(
  signature: Uint8Array,
  message: Uint8Array,
  publicKey: Uint8Array,
): Promise<boolean> {
  if (publicKey.length !== ED25519_KEY_BYTES) return Promise.resolve(false)
  return new Promise((resolve) => {
    try {
      verify(null, message, publicKeyOf(publicKey), signature, (error, holds) => {
        resolve(error === null && holds)
      })
    } catch {
      resolve(false)
    }
  })
}

/** As `fromBase64Url` of `@jeju/verifier/protocol`, in native code. */
export function nativeBase64Url(text: string, place?: string): Uint8Array<ArrayBuffer> {
  const bytes = Buffer.from(text, 'base64url')
  // Node skips what it does not know; what it would write otherwise has two spellings, and is refused in the words of all.
  return bytes.toString('base64url') === text ? bytes : fromBase64Url(text, place)
}

/** A running SHA-256 in native code. */
export function nativeSha256(): Sha256Stream {
  return createHash('sha256')
}

function recoverPoint(
  library: NativeSecp256k1,
  digest: Hex,
  signature: Hex,
): Uint8Array | undefined {
  const bytes = fromHex(signature, 65, 'signature')
  const v = bytes[64]
  // The library takes both halves (attack P21).
  const isLow = Buffer.compare(bytes.subarray(32, 64), HALF_ORDER) <= 0
  if ((v !== 27 && v !== 28) || !isLow) return undefined
  const hash = fromHex(digest, 32, 'digest')
  try {
    return library.ecdsaRecover(bytes.subarray(0, 64), v - 27, hash, false)
  } catch {
    return undefined
  }
}

/** Wallets ask again and again, and a node signs each of its answers. */
function addressOfPoint(point: Uint8Array): Hex {
  const id = byteKey(point)
  const kept = addresses.get(id)
  if (kept !== undefined) return kept
  const address = toHex(keccak256(point.subarray(1)).subarray(12))
  addresses.set(id, address)
  return address
}

function publicKeyOf(publicKey: Uint8Array): KeyObject {
  const id = byteKey(publicKey)
  const kept = publicKeys.get(id)
  if (kept !== undefined) return kept
  const der = Buffer.concat([ED25519_SPKI, publicKey])
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' })
  publicKeys.set(id, key)
  return key
}

function privateKeyOf(seed: Uint8Array): KeyObject {
  const kept = privateKeys.get(seed)
  if (kept !== undefined) return kept
  const der = Buffer.concat([ED25519_PKCS8, seed])
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  der.fill(0)
  privateKeys.set(seed, key)
  return key
}
