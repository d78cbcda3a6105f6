import type { Hex } from '../../bytes/hex.ts'
import { canonicalJson, parseCanonicalJson } from '../canonical-json.ts'
import type { ContractDomain } from '../eip712.ts'
import { asArray, asDecimal, asHex, asInteger, exactObject } from '../shape.ts'
import { MAX_PATH_LENGTH } from './merkle-tree.ts'

/** Where a log stands: which contract, whose binding, which epoch. */
export interface EpochPlace {
  /** ReceiptRoots. */
  readonly roots: ContractDomain
  readonly bindingId: Hex
  readonly epoch: number
}

/** That a commitment stands in an epoch's tree. The root is not in it: that has to come from the chain. */
export interface InclusionProof extends EpochPlace {
  readonly salt: Hex
  readonly index: number
  readonly size: number
  readonly path: readonly Hex[]
}

/** What ReceiptRoots says of an epoch. */
export interface AnchoredEpoch extends EpochPlace {
  readonly root: Hex
  readonly size: number
  /** SHA-256 of the epoch's document. */
  readonly digest: Hex
  /** Unix seconds of the block. */
  readonly anchoredAt: number
}

/** Largest proof or anchored epoch as a text. */
export const MAX_PROOF_CHARACTERS = 8192

/** Epochs and leaves are counted in numbers that JSON holds exactly. */
export const MAX_COUNT: number = 2 ** 48

const PLACE = ['binding_id', 'chain_id', 'contract', 'epoch'] as const

/** JCS text of a proof. */
export function encodeInclusionProof(proof: InclusionProof): string {
  const { salt, index, size, path } = proof
  return canonicalJson({ ...placeMembers(proof), index, path: [...path], salt, size, v: 1 })
}

/** Reads JCS text; checks form only. Throws a ProtocolError. */
export function parseInclusionProof(text: string): InclusionProof {
  const members = [...PLACE, 'index', 'path', 'salt', 'size', 'v']
  const proof = exactObject(parseCanonicalJson(text, 'proof'), 'proof', members)
  asInteger(proof['v'], 'proof.v', { min: 1, max: 1 })
  const size = asInteger(proof['size'], 'proof.size', { min: 1, max: MAX_COUNT })
  return {
    ...readPlace(proof, 'proof'),
    salt: asHex(proof['salt'], 'proof.salt', 32),
    size,
    index: asInteger(proof['index'], 'proof.index', { min: 0, max: size - 1 }),
    path: asArray(proof['path'], 'proof.path', MAX_PATH_LENGTH).map((hash) =>
      asHex(hash, 'proof.path', 32),
    ),
  }
}

/** JCS text of an anchored epoch, for who verifies offline. */
export function encodeAnchoredEpoch(anchored: AnchoredEpoch): string {
  const { root, size, digest, anchoredAt } = anchored
  const members = { anchored_at: anchoredAt, digest, root, size, v: 1 }
  return canonicalJson({ ...placeMembers(anchored), ...members })
}

/** Reads JCS text; where it came from is for the caller to know. Throws a ProtocolError. */
export function parseAnchoredEpoch(text: string): AnchoredEpoch {
  const members = [...PLACE, 'anchored_at', 'digest', 'root', 'size', 'v']
  const anchored = exactObject(parseCanonicalJson(text, 'root'), 'root', members)
  asInteger(anchored['v'], 'root.v', { min: 1, max: 1 })
  const count = { min: 1, max: MAX_COUNT }
  return {
    ...readPlace(anchored, 'root'),
    root: asHex(anchored['root'], 'root.root', 32),
    digest: asHex(anchored['digest'], 'root.digest', 32),
    size: asInteger(anchored['size'], 'root.size', count),
    anchoredAt: asInteger(anchored['anchored_at'], 'root.anchored_at', count),
  }
}

/** Members that say where a log stands, in the documents of the log. */
export function placeMembers({ roots, bindingId, epoch }: EpochPlace): {
  readonly binding_id: Hex
  readonly chain_id: string
  readonly contract: Hex
  readonly epoch: number
} {
  return {
    binding_id: bindingId,
    chain_id: roots.chainId.toString(),
    contract: roots.verifyingContract,
    epoch,
  }
}

/** The same read back. @throws ProtocolError */
export function readPlace(object: Readonly<Record<string, unknown>>, place: string): EpochPlace {
  return {
    roots: {
      chainId: asDecimal(object['chain_id'], `${place}.chain_id`, 64),
      verifyingContract: asHex(object['contract'], `${place}.contract`, 20),
    },
    bindingId: asHex(object['binding_id'], `${place}.binding_id`, 32),
    epoch: asInteger(object['epoch'], `${place}.epoch`, { min: 0, max: MAX_COUNT }),
  }
}
