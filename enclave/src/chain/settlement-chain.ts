import type { Hex, SignedVoucher } from '@jeju/verifier/protocol'
import type { SettlementItem, SettlementStatus } from './node-chain.ts'

/** What a transaction offers for a unit of gas, wei (EIP-1559). */
export interface GasFees {
  readonly maxFeePerGas: bigint
  readonly maxPriorityFeePerGas: bigint
}

/** What one transaction settles: receipts, or the voucher of one channel. */
export type Settleable =
  { readonly items: readonly SettlementItem[] } | { readonly voucher: SignedVoucher }

/** A settlement as a transaction that only has to be sent. */
export interface SignedTransaction {
  readonly raw: Hex
  readonly hash: Hex
}

/** A transaction in a block. */
export interface Inclusion {
  readonly blockNumber: bigint
  readonly blockHash: Hex
  /** Wei by authHash, or of a voucher by its channel, as the block says; undefined where it reverted. */
  readonly paid: ReadonlyMap<Hex, bigint> | undefined
}

/**
 * The chain as settlement needs it. Every method throws a ChainError when no RPC answers. Where one RPC's word would give
 * up money, `agreed` methods ask all of them, and more than half have to say the same.
 */
export interface SettlementChain {
  /** The newest block; with several RPCs the newest that more than half of them have. */
  agreedHead(): Promise<bigint>
  /** What gets a transaction into one of the next blocks. */
  gasFees(): Promise<GasFees>
  /** Transactions of the node's account: in blocks, and with those that wait for one. */
  accountNonces(): Promise<{ readonly mined: number; readonly next: number }>
  /** Wei that the node's account pays gas from. */
  balance(): Promise<bigint>
  /** Wei that the operator can claim from the ledger. */
  claimable(): Promise<bigint>
  /** What `settle` would answer in the next block, in order. */
  preview(items: readonly SettlementItem[]): Promise<readonly SettlementStatus[]>
  /** What it would have answered after a block that is no longer in doubt. */
  agreedPreview(
    items: readonly SettlementItem[],
    blockNumber: bigint,
  ): Promise<readonly SettlementStatus[]>
  /** Wei that `settleVoucher` would pay in the next block; throws `CHAIN_REFUSED` where it would not. */
  previewVoucher(voucher: SignedVoucher): Promise<bigint>
  estimateGas(settled: Settleable): Promise<bigint>
  /** Wei that the chain charges for a settlement's bytes beside its gas, at most; 0 where it charges none. */
  dataFee(settled: Settleable): Promise<bigint>
  sign(
    settled: Settleable,
    terms: GasFees & { readonly nonce: number; readonly gas: bigint },
  ): Promise<SignedTransaction>
  /** Sends to every RPC; one that has it already is no failure. */
  broadcast(raw: Hex): Promise<void>
  /** Undefined while it is in no block. */
  inclusion(hash: Hex): Promise<Inclusion | undefined>
  agreedInclusion(hash: Hex): Promise<Inclusion | undefined>
  /** Holds whatever else sends from the node's account, so that two transactions never take one nonce. */
  inTurn<Answer>(send: () => Promise<Answer>): Promise<Answer>
}
