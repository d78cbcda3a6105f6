import { hkdfSync } from 'node:crypto'
import {
  concatBytes,
  ed25519PublicKey,
  fromHex,
  keccak256,
  secp256k1PublicKey,
  signDigest,
  toBareHex,
  toHex,
  utf8,
} from '@jeju/verifier/protocol'

/** Key derivation and signature chains of dstack, both surfaces. They give different keys for the same name. */

export type KeyAlgorithm = 'secp256k1' | 'ed25519'

/** A derived key with the two signatures that show where it came from. */
export interface DerivedKey {
  readonly key: Uint8Array<ArrayBuffer>
  readonly publicKey: Uint8Array<ArrayBuffer>
  readonly signatureChain: readonly [Uint8Array, Uint8Array]
}

/** The secrets a TD gets from its KMS. */
export interface AppKeys {
  /** 32 bytes, the same for every instance of the app. */
  readonly appRoot: Uint8Array
  /** KMS root over the app's root key: link 1 of every chain. */
  readonly appRootSignature: Uint8Array
}

/** What the KMS releases to an app id (20 bytes). */
export function appKeysOf(kmsRoot: Uint8Array, appId: Uint8Array): AppKeys {
  const appRoot = hkdf(kmsRoot, utf8('RATLS'), concatBytes(appId, utf8('app-key')))
  const message = concatBytes(utf8('dstack-kms-issued:'), appId, secp256k1PublicKey(appRoot))
  return { appRoot, appRootSignature: signLink(message, kmsRoot) }
}

/** v0: neither purpose nor algorithm enters the key, so one path gives the same 32 bytes to both curves. */
export function deriveV0(
  { appRoot, appRootSignature }: AppKeys,
  path: string,
  purpose: string,
  algorithm: KeyAlgorithm,
): DerivedKey {
  const key = hkdf(appRoot, utf8('RATLS'), utf8(path))
  const publicKey = publicKeyOf(algorithm, key)
  const link = signLink(utf8(`${purpose}:${toBareHex(publicKey)}`), appRoot)
  return { key, publicKey, signatureChain: [link, appRootSignature] }
}

/** v1: algorithm and domain enter the key. */
export function deriveV1(
  { appRoot, appRootSignature }: AppKeys,
  domain: string,
  algorithm: KeyAlgorithm,
): DerivedKey {
  const key = hkdf(
    appRoot,
    utf8('dstack-guest-v1'),
    lengthPrefixed(utf8('dstack-guest-v1-key'), utf8(algorithm), utf8(domain)),
  )
  const publicKey = publicKeyOf(algorithm, key)
  const claim = lengthPrefixed(
    utf8('dstack-guest-v1-key-claim'),
    utf8(algorithm),
    utf8(domain),
    publicKey,
  )
  return { key, publicKey, signatureChain: [signLink(claim, appRoot), appRootSignature] }
}

/** Compressed point or Ed25519 public key. */
export function publicKeyOf(algorithm: KeyAlgorithm, key: Uint8Array): Uint8Array<ArrayBuffer> {
  return algorithm === 'ed25519' ? ed25519PublicKey(key) : secp256k1PublicKey(key)
}

/** 65 bytes r ‖ s ‖ v with v 0 or 1, over keccak256 of the message. */
export function signLink(message: Uint8Array, key: Uint8Array): Uint8Array<ArrayBuffer> {
  const link = fromHex(signDigest(toHex(keccak256(message)), key))
  link[64] = (link[64] ?? 27) - 27
  return link
}

function hkdf(secret: Uint8Array, salt: Uint8Array, info: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(hkdfSync('sha256', secret, salt, info, 32))
}

function lengthPrefixed(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return concatBytes(
    ...parts.flatMap((part) => {
      const length = new Uint8Array(4)
      new DataView(length.buffer).setUint32(0, part.length)
      return [length, part]
    }),
  )
}
