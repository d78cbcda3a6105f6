import {
  encodeInclusionProof,
  merkleTree,
  type ContractDomain,
  type Hex,
  type MerkleTree,
} from '@jeju/verifier/protocol'
import type { Store } from '../storage/store.ts'
import { readCommitments, type ClosedEpoch, type LoggedReceipt } from './log-rows.ts'

/** Proofs out of closed epochs; each tree is hashed once and not for everybody who asks. */
export interface InclusionProofs {
  /** Text of the proof. */
  of(logged: LoggedReceipt, epoch: ClosedEpoch): Promise<string>
}

interface EpochTree {
  readonly commitments: readonly Hex[]
  readonly tree: MerkleTree
}

/** Trees that are kept, of the epochs whose proofs were asked for; about 1 MiB each. */
const KEPT_TREES = 8

/** Proofs of a log in the contract `roots`. */
export function createInclusionProofs(store: Store, roots: ContractDomain): InclusionProofs {
  /** By root, which says all of a tree. */
  const kept = new Map<Hex, EpochTree>()
  const treeOf = async (epoch: ClosedEpoch): Promise<EpochTree> => {
    const known = kept.get(epoch.root)
    if (known !== undefined) return known
    const commitments = await readCommitments(store, epoch)
    const made = { commitments, tree: merkleTree(commitments) }
    const [oldest] = kept.keys()
    if (oldest !== undefined && kept.size >= KEPT_TREES) kept.delete(oldest)
    kept.set(epoch.root, made)
    return made
  }
  return {
    of: async ({ commitment, salt }, closed) => {
      const { commitments, tree } = await treeOf(closed)
      const { bindingId, epoch } = closed
      const index = commitments.indexOf(commitment)
      const [size, path] = [commitments.length, tree.path(index)]
      return encodeInclusionProof({ roots, bindingId, epoch, salt, index, size, path })
    },
  }
}
