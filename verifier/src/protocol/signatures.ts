import { ed25519 } from '@noble/curves/ed25519.js'
import { keccak256 } from '../bytes/hash.ts'
import { fromHex, toHex, type Hex } from '../bytes/hex.ts'
import { ProtocolError } from './protocol-error.ts'
import { publicKeyOf, recover, signRecoverable } from './secp256k1.ts'

/** secp256k1 signature `r ‖ s ‖ v` over a digest: 65 bytes, low-s, v 27 or 28, RFC 6979. */
export function signDigest(digest: Hex, privateKey: Uint8Array): Hex {
  const signature = signRecoverable(fromHex(digest, 32, 'digest'), privateKey)
  return toHex(signature.with(64, 27 + (signature[64] ?? 0)))
}

/**
 * The address whose key signed the digest; lowercase. High-s, v other than 27 and 28, and signatures that recover
 * to nothing throw `INPUT_SIGNATURE` (attack P21).
 */
export function recoverAddress(digest: Hex, signature: Hex): Hex {
  const bytes = fromHex(signature, 65, 'signature')
  const v = bytes[64]
  if (v !== 27 && v !== 28) {
    throw new ProtocolError('INPUT_SIGNATURE', 'signature: expected v 27 or 28')
  }
  const key = recover(fromHex(digest, 32, 'digest'), bytes.subarray(0, 64), v - 27, 'uncompressed')
  if ('fault' in key) throw new ProtocolError('INPUT_SIGNATURE', `signature: ${key.fault}`)
  return addressOfPoint(key.publicKey)
}

/** The address of a secp256k1 private key; lowercase. */
export function addressOf(privateKey: Uint8Array): Hex {
  return addressOfPoint(publicKeyOf(privateKey, 'uncompressed'))
}

/** Compressed secp256k1 public key, 33 bytes. */
export function secp256k1PublicKey(privateKey: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(publicKeyOf(privateKey, 'compressed'))
}

/** Uncompressed secp256k1 public key, 65 bytes. */
export function secp256k1PublicPoint(privateKey: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(publicKeyOf(privateKey, 'uncompressed'))
}

function addressOfPoint(uncompressed: Uint8Array): Hex {
  return toHex(keccak256(uncompressed.subarray(1)).subarray(12))
}

/** Ed25519 public key of a 32-byte seed. */
export function ed25519PublicKey(seed: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(ed25519.getPublicKey(seed))
}

/** Ed25519 signature (RFC 8032), 64 bytes. */
export function signEd25519(message: Uint8Array, seed: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(ed25519.sign(message, seed))
}

/** Strict RFC 8032 verification; malformed keys and signatures are false. */
export function verifyEd25519(
  signature: Uint8Array,
  message: Uint8Array,
  publicKey: Uint8Array,
): boolean {
  try {
    return ed25519.verify(signature, message, publicKey, { zip215: false })
  } catch {
    return false
  }
}
