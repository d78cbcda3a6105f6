import { x25519 } from '@noble/curves/ed25519.js'

/** The 32-byte public key of an X25519 private key (RFC 7748 §5). */
export function x25519PublicKey(privateKey: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(x25519.getPublicKey(privateKey))
}
