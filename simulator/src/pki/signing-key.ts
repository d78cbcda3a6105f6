import { webcrypto } from 'node:crypto'
import { p256 } from '@noble/curves/nist.js'
import { systemRandom, type RandomSource } from './random-source.ts'

/** P-256 keys of the simulated PKI and quoting enclave. */

/** Algorithm of every key and signature here, as Web Crypto names it. */
export const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** Both forms of a signature are valid, and about half of Intel's are high-s. */
export type SignatureForm = 'low-s' | 'high-s'

/** A P-256 key pair; `scalar` is what `privateKey` holds. */
export interface KeyPair {
  readonly scalar: Uint8Array
  readonly privateKey: webcrypto.CryptoKey
  readonly publicKey: webcrypto.CryptoKey
}

/** P-256 key out of the source's bytes for that label. */
export async function generateKeyPair(
  random: RandomSource = systemRandom,
  label = 'key',
): Promise<KeyPair> {
  const scalar = p256.utils.randomSecretKey(random(label, p256.lengths.seed ?? 48))
  const point = p256.getPublicKey(scalar, false)
  const base64Url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map(base64Url)
  if (x === undefined || y === undefined) throw new RangeError('a point has two coordinates')
  const jwk = { kty: 'EC', crv: 'P-256', x, y }
  const [privateKey, publicKey] = await Promise.all([
    webcrypto.subtle.importKey('jwk', { ...jwk, d: base64Url(scalar) }, ECDSA, true, ['sign']),
    webcrypto.subtle.importKey('jwk', jwk, ECDSA, true, ['verify']),
  ])
  return { scalar, privateKey, publicKey }
}

/**
 * r ‖ s with SHA-256, the same for the same key and message (RFC 6979), so that a test case differs from its base only
 * where it means to. High-s as often as low-s, unless a form is asked for.
 */
export function sign(
  key: KeyPair,
  message: Uint8Array,
  form?: SignatureForm,
): Uint8Array<ArrayBuffer> {
  const made = p256.sign(message, key.scalar, { lowS: false })
  const { r, s } = p256.Signature.fromBytes(made)
  const isHigh = s > p256.Point.Fn.ORDER / 2n
  if (form === undefined || isHigh === (form === 'high-s')) return new Uint8Array(made)
  return new Uint8Array(new p256.Signature(r, p256.Point.Fn.neg(s)).toBytes())
}

/** x ‖ y. */
export async function publicPoint(key: KeyPair): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await webcrypto.subtle.exportKey('raw', key.publicKey)).slice(1)
}

/** SubjectPublicKeyInfo DER. */
export async function publicKeyInfo(key: KeyPair): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await webcrypto.subtle.exportKey('spki', key.publicKey))
}

/** PKCS#8 PEM. */
export async function privateKeyPem(key: KeyPair): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key.privateKey))
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`
}
