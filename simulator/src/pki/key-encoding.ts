import { createHash } from 'node:crypto'
import { concatBytes } from '@jeju/verifier/protocol'

/** A point of a curve as certificates have it (SEC 1 §2.3.3). */
export function uncompressed(point: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(0x04), point)
}

/** SHA-1 of the key (RFC 5280 §4.2.1.2); an identifier, nothing rests on it. */
export function keyId(point: Uint8Array): Uint8Array {
  return createHash('sha1').update(uncompressed(point)).digest()
}
