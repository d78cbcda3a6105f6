import { createPublicKey, verify, type KeyObject } from 'node:crypto'
import { byteKey } from '../bytes/byte-key.ts'
import { Recent } from '../bytes/recent.ts'
import type { P256Backend } from '../x509/p256.ts'

const MAX_KEPT_KEYS = 128
const COORDINATE_BYTES = 32

/** Imported keys of the whole process: what an import gives depends on the key's bytes alone. */
const keys = new Recent<KeyObject>(MAX_KEPT_KEYS)

/** node:crypto on the calling thread: no way to a pool of threads and back for each signature. */
export const nodeP256: P256Backend = {
  verify: (publicKey, signature, message) => {
    try {
      return verify(
        'sha256',
        message,
        { key: keyOf(publicKey), dsaEncoding: 'ieee-p1363' },
        signature,
      )
    } catch {
      return false
    }
  },
}

function keyOf(point: Uint8Array): KeyObject {
  const id = byteKey(point)
  const kept = keys.get(id)
  if (kept !== undefined) return kept
  const coordinate = (from: number): string =>
    Buffer.from(point.subarray(from, from + COORDINATE_BYTES)).toString('base64url')
  const jwk = { kty: 'EC', crv: 'P-256', x: coordinate(0), y: coordinate(COORDINATE_BYTES) }
  const key = createPublicKey({ key: jwk, format: 'jwk' })
  keys.set(id, key)
  return key
}
