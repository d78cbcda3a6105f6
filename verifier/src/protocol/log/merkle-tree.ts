import { concatBytes } from '../../bytes/bytes.ts'
import { sha256 } from '../../bytes/hash.ts'
import { fromHex, toHex, type Hex } from '../../bytes/hex.ts'

// RFC 6962 §2.1 over 32-byte commitments. Leaves and nodes are hashed apart, so that no node can be shown as a leaf, and an odd
// end is carried up as it is, never doubled: two lists never have one root.

const LEAF = new Uint8Array([0])
const NODE = new Uint8Array([1])

/** More levels than a tree of 2^48 leaves has. */
export const MAX_PATH_LENGTH = 48

/**
 * Root of the tree over commitments of 32 bytes, in this order.
 * @throws RangeError without any: an empty tree is never anchored
 */
export function merkleRoot(commitments: readonly Hex[]): Hex {
  return toHex(rootOf(commitments.map(leafHash)))
}

/**
 * Hashes beside the way from a leaf to the root, lowest first.
 * @throws RangeError where there is no such leaf
 */
export function inclusionPath(commitments: readonly Hex[], index: number): readonly Hex[] {
  if (!Number.isSafeInteger(index) || index < 0 || index >= commitments.length) {
    throw new RangeError(`leaf ${index} of ${commitments.length}`)
  }
  return pathOf(commitments.map(leafHash), index).map(toHex)
}

/**
 * Root that a leaf at this index of a tree of this size leads to (RFC 9162 §2.1.3.2); undefined where the path has another
 * length than such a tree gives it.
 */
export function rootFromPath(
  commitment: Hex,
  index: number,
  size: number,
  path: readonly Hex[],
): Hex | undefined {
  if (index >= size) return undefined
  let [at, last] = [index, size - 1]
  let hash = leafHash(commitment)
  for (const sibling of path) {
    if (last === 0) return undefined
    const beside = fromHex(sibling, 32, 'path')
    if (at % 2 === 1 || at === last) {
      hash = nodeHash(beside, hash)
      // Carried up as it is where it has nobody to its right.
      while (at % 2 === 0 && at !== 0) [at, last] = [at / 2, Math.floor(last / 2)]
    } else {
      hash = nodeHash(hash, beside)
    }
    ;[at, last] = [Math.floor(at / 2), Math.floor(last / 2)]
  }
  return last === 0 ? toHex(hash) : undefined
}

function rootOf(hashes: readonly Uint8Array[]): Uint8Array {
  const [only, ...others] = hashes
  if (only === undefined) throw new RangeError('a tree without leaves')
  if (others.length === 0) return only
  const left = leftOf(hashes.length)
  return nodeHash(rootOf(hashes.slice(0, left)), rootOf(hashes.slice(left)))
}

function pathOf(hashes: readonly Uint8Array[], index: number): readonly Uint8Array[] {
  if (hashes.length === 1) return []
  const left = leftOf(hashes.length)
  return index < left
    ? [...pathOf(hashes.slice(0, left), index), rootOf(hashes.slice(left))]
    : [...pathOf(hashes.slice(left), index - left), rootOf(hashes.slice(0, left))]
}

/** Largest power of two below the size. */
function leftOf(size: number): number {
  let left = 1
  while (left * 2 < size) left *= 2
  return left
}

function leafHash(commitment: Hex): Uint8Array {
  return sha256(concatBytes(LEAF, fromHex(commitment, 32, 'commitment')))
}

function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(concatBytes(NODE, left, right))
}
