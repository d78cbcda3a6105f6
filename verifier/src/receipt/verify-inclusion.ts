import type { Hex } from '../bytes/hex.ts'
import { parseComputeReceipt } from '../protocol/compute-receipt.ts'
import type { ContractDomain } from '../protocol/eip712.ts'
import type { AnchoredEpoch, EpochPlace, InclusionProof } from '../protocol/log/inclusion-proof.ts'
import { rootFromPath } from '../protocol/log/merkle-tree.ts'
import { receiptCommitment } from '../protocol/log/receipt-commitment.ts'
import { failed, passed, type Check } from '../report/check.ts'

/** Names of the checks of docs/protocol.md §12, in order. */
export const INCLUSION_CHECKS = ['inclusion-log', 'inclusion-root', 'inclusion-time'] as const

/** One of {@link INCLUSION_CHECKS}. */
export type InclusionCheckName = (typeof INCLUSION_CHECKS)[number]

/** Every check of a proof, and since when the receipt demonstrably existed. */
export interface InclusionReport {
  readonly checks: readonly Check<InclusionCheckName>[]
  readonly verdict:
    { readonly outcome: 'verified'; readonly anchoredAt: Date } | { readonly outcome: 'refused' }
}

/** A receipt's place in a log, and what it is held against. */
export interface InclusionCase {
  /** Exact text of the compute receipt. */
  readonly receipt: string
  readonly proof: InclusionProof
  /** From the chain, or from whom the caller believes as much. */
  readonly anchored: AnchoredEpoch
  /** The one ReceiptRoots that counts; a stranger can deploy another one and write what he likes. */
  readonly roots: ContractDomain
}

/** Between the clock that issued the receipt and that of the chain. */
const MAX_CLOCK_SKEW_S = 300n

/**
 * Judges whether a receipt stands in an anchored epoch (docs/protocol.md §12): pure, and asks nobody. It says that the receipt
 * existed when the epoch was anchored, and nothing of what the receipt says: that is `verifyReceipt`'s.
 * @throws ProtocolError where `receipt` is none
 */
export function verifyInclusion({
  receipt,
  proof,
  anchored,
  roots,
}: InclusionCase): InclusionReport {
  const { bindingId, receipt: counts } = parseComputeReceipt(receipt)
  const checks = [
    checkLog({ roots, bindingId, epoch: proof.epoch }, proof, anchored),
    checkRoot(receipt, proof, anchored),
    checkTime(counts.issuedAt, anchored),
  ]
  const isVerified = checks.every(({ status }) => status === 'passed')
  return {
    checks,
    verdict: isVerified
      ? { outcome: 'verified', anchoredAt: new Date(anchored.anchoredAt * 1000) }
      : { outcome: 'refused' },
  }
}

/** Proof and epoch are of one log: the one that the receipt's own key writes, in the contract that counts. */
function checkLog(
  wanted: EpochPlace,
  proof: EpochPlace,
  anchored: EpochPlace,
): Check<InclusionCheckName> {
  const name = 'inclusion-log'
  const expected = textOf(wanted)
  const other = [proof, anchored].map(textOf).find((place) => place !== expected)
  return other === undefined ? passed(name, { log: expected }) : failed(name, expected, other)
}

function checkRoot(
  receipt: string,
  { salt, index, size, path }: InclusionProof,
  anchored: AnchoredEpoch,
): Check<InclusionCheckName> {
  const name = 'inclusion-root'
  if (size !== anchored.size) {
    return failed(name, `a tree of ${anchored.size} leaves`, `of ${size}`)
  }
  const root: Hex | undefined = rootFromPath(receiptCommitment(salt, receipt), index, size, path)
  return root === anchored.root
    ? passed(name, { root, index, size })
    : failed(name, anchored.root, root ?? 'a path of another length')
}

function checkTime(issuedAt: bigint, { anchoredAt }: AnchoredEpoch): Check<InclusionCheckName> {
  const latest = BigInt(anchoredAt) + MAX_CLOCK_SKEW_S
  return issuedAt <= latest
    ? passed('inclusion-time', { issuedAt: issuedAt.toString(), anchoredAt })
    : failed('inclusion-time', `issued no later than ${latest}`, issuedAt.toString())
}

function textOf({ roots, bindingId, epoch }: EpochPlace): string {
  return `${roots.chainId}:${roots.verifyingContract} binding ${bindingId} epoch ${epoch}`
}
