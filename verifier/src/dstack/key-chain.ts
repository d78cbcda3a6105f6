import { concatBytes, utf8 } from '../bytes/bytes.ts'
import { keccak256 } from '../bytes/hash.ts'
import { toBareHex, toHex, type Hex } from '../bytes/hex.ts'
import type { KmsChain } from '../protocol/evidence-bundle.ts'
import { recover, uncompress, type Recovered } from '../protocol/secp256k1.ts'

const LINK_BYTES = 65

/**
 * What the app's root key signs of a key that it derived (dstack `GetKey`, link 0). Surface v0 names purpose and
 * key, not the path; v1 names algorithm, domain and key, each behind its length. A chain of v1 carries its domain as
 * `path`.
 */
export function keyClaim({ algorithm, keyApi, path, purpose, publicKey }: KmsChain): Uint8Array {
  return keyApi === 'v0'
    ? utf8(`${purpose}:${toBareHex(publicKey)}`)
    : lengthPrefixed(utf8('dstack-guest-v1-key-claim'), utf8(algorithm), utf8(path), publicKey)
}

/** What the KMS root key signs of an app's root key (link 1); the same on both surfaces. */
export function appRootClaim(appId: Uint8Array, appRoot: Uint8Array): Uint8Array {
  return concatBytes(utf8('dstack-kms-issued:'), appId, appRoot)
}

/** Compressed public key whose signature over keccak256(claim) is this link: r ‖ s ‖ v, s low, v 0 to 3. */
export function recoverLink(claim: Uint8Array, link: Uint8Array): Recovered {
  if (link.length !== LINK_BYTES) return { fault: `${link.length} bytes` }
  const [v = 0] = link.subarray(64)
  return recover(keccak256(claim), link.subarray(0, 64), v, 'compressed')
}

/** Ethereum address of a compressed secp256k1 point, lowercase; undefined when it is none. */
export function addressOfCompressed(publicKey: Uint8Array): Hex | undefined {
  const point = uncompress(publicKey)
  return point && toHex(keccak256(point.subarray(1)).subarray(12))
}

function lengthPrefixed(...parts: readonly Uint8Array[]): Uint8Array {
  return concatBytes(
    ...parts.flatMap((part) => {
      const length = new Uint8Array(4)
      new DataView(length.buffer).setUint32(0, part.length)
      return [length, part]
    }),
  )
}
