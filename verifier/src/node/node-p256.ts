import { verify } from 'node:crypto'
import { P256_PROFILE } from '../x509/ecdsa-profile.ts'
import type { P256Backend } from '../x509/p256.ts'
import { nodeKeys } from './node-keys.ts'

const keyOf = nodeKeys(P256_PROFILE)

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
