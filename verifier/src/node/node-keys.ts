import { createPublicKey, type KeyObject } from 'node:crypto'
import { byteKey } from '../bytes/byte-key.ts'
import { Recent } from '../bytes/recent.ts'
import type { EcdsaProfile } from '../x509/ecdsa-profile.ts'

const MAX_KEPT_KEYS = 128

/** Imports x ‖ y of a curve, and keeps what it imported: what an import gives depends on the key's bytes alone. */
export function nodeKeys({ curve, scalarBytes }: EcdsaProfile): (point: Uint8Array) => KeyObject {
  const keys = new Recent<KeyObject>(MAX_KEPT_KEYS)
  return (point) => {
    const id = byteKey(point)
    const kept = keys.get(id)
    if (kept !== undefined) return kept
    const coordinate = (from: number): string =>
      Buffer.from(point.subarray(from, from + scalarBytes)).toString('base64url')
    const jwk = { kty: 'EC', crv: curve, x: coordinate(0), y: coordinate(scalarBytes) }
    const key = createPublicKey({ key: jwk, format: 'jwk' })
    keys.set(id, key)
    return key
  }
}
