import { concatBytes } from '../bytes/bytes.ts'

/** ECDSA P-256 with SHA-256 through Web Crypto. Half of Intel's signatures are high-s; both forms are valid. */
const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** A key as x ‖ y of 64 bytes, or as SubjectPublicKeyInfo DER. */
export type P256Key = { readonly point: Uint8Array } | { readonly spki: Uint8Array<ArrayBuffer> }

/** Whether r ‖ s signs the message. A key off the curve or a malformed signature is false. */
export async function verifyP256(
  key: P256Key,
  signature: Uint8Array,
  message: Uint8Array,
): Promise<boolean> {
  const { subtle } = globalThis.crypto
  try {
    const publicKey =
      'point' in key
        ? await subtle.importKey('raw', uncompressed(key.point), ECDSA, false, ['verify'])
        : await subtle.importKey('spki', key.spki, ECDSA, false, ['verify'])
    return await subtle.verify(ECDSA, publicKey, new Uint8Array(signature), new Uint8Array(message))
  } catch {
    return false
  }
}

function uncompressed(point: Uint8Array): Uint8Array<ArrayBuffer> {
  return concatBytes(Uint8Array.of(0x04), point)
}
