import { concatBytes } from '../../bytes/bytes.ts'
import { sha256 } from '../../bytes/hash.ts'
import { fromHex, toHex, type Hex } from '../../bytes/hex.ts'

// RFC 6962 §2.1 over 32-byte commitments. Leaves and nodes are hashed apart, so that no node can be shown as a leaf, and an odd
// end is carried up as it is, never doubled: two lists never have one root.

const LEAF = new Uint8Array([0])
const NODE = new Uint8Array([1])

/** More levels than a tree of 2^48 leaves has. */
export const MAX_PATH_LENGTH = 48

/** A tree that gives its root and paths without hashing again. */
export interface MerkleTree {
  readonly root: Hex
  /** Hashes beside the way from a leaf to the root, lowest first. @throws RangeError where there is no such leaf */
  path(index: number): readonly Hex[]
}

/**
 * The tree over commitments of 32 bytes, in this order.
 * @throws RangeError without any: an empty tree is never anchored
 */
export function merkleTree(commitments: readonly Hex[]): MerkleTree {
  const levels = [commitments.map(leafHash)]
  for (let top = levels[0]; top !== undefined && top.length > 1; top = levels.at(-1)) {
    levels.push(levelAbove(top))
  }
  const root = levels.at(-1)?.[0]
  if (root === undefined) throw new RangeError('a tree without leaves')
  return { root: toHex(root), path: (index) => pathIn(levels, index) }
}

/** Root of {@link merkleTree}. */
export function merkleRoot(commitments: readonly Hex[]): Hex {
  return merkleTree(commitments).root
}

/** A path of {@link merkleTree}. */
export function inclusionPath(commitments: readonly Hex[], index: number): readonly Hex[] {
  return merkleTree(commitments).path(index)
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

function levelAbove(level: readonly Uint8Array[]): Uint8Array[] {
  const above: Uint8Array[] = []
  for (let at = 0; at < level.length; at += 2) {
    const [left, right] = level.slice(at, at + 2)
    if (left !== undefined) above.push(right === undefined ? left : nodeHash(left, right))
  }
  return above
}

function pathIn(levels: readonly (readonly Uint8Array[])[], index: number): readonly Hex[] {
  const size = levels[0]?.length ?? 0
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) {
    throw new RangeError(`leaf ${index} of ${size}`)
  }
  // Who has nobody beside him is carried up as he is.
  return levels.flatMap((level, height) => {
    const at = Math.floor(index / 2 ** height)
    const beside = level[at % 2 === 0 ? at + 1 : at - 1]
    return beside === undefined ? [] : [toHex(beside)]
  })
}

function leafHash(commitment: Hex): Uint8Array {
  return sha256(concatBytes(LEAF, fromHex(commitment, 32, 'commitment')))
}

function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(concatBytes(NODE, left, right))
}
