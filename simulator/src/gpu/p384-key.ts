import { p384 } from '@noble/curves/nist.js'
import type { RandomSource } from '../pki/random-source.ts'

/** A P-384 key of the simulated NVIDIA: `point` is x ‖ y. */
export interface P384Key {
  readonly scalar: Uint8Array
  readonly point: Uint8Array
}

/** A key out of the source's bytes for that label. */
export function createP384Key(random: RandomSource, label: string): P384Key {
  const scalar = p384.utils.randomSecretKey(random(label, p384.lengths.seed ?? 72))
  return { scalar, point: p384.getPublicKey(scalar, false).slice(1) }
}

/** r ‖ s with SHA-384, the same for the same key and message. */
export function signP384({ scalar }: P384Key, message: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(p384.sign(message, scalar, { lowS: false }))
}
