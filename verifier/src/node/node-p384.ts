import { verify } from 'node:crypto'
import { P384_PROFILE } from '../x509/ecdsa-profile.ts'
import type { P384Backend } from '../x509/p384.ts'
import { nodeKeys } from './node-keys.ts'

const keyOf = nodeKeys(P384_PROFILE)

/** node:crypto in its pool of threads: one signature takes a millisecond, and a machine of eight GPUs has dozens. */
export const nodeP384: P384Backend = {
  verify: (publicKey, signature, message) =>
    new Promise((resolve) => {
      try {
        const key = { key: keyOf(publicKey), dsaEncoding: 'ieee-p1363' } as const
        verify('sha384', message, key, signature, (error, holds) => {
          resolve(error === null && holds)
        })
      } catch {
        resolve(false)
      }
    }),
}
