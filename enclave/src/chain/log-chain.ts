import type { Hex } from '@jeju/verifier/protocol'
import type { GasFees } from './settlement-chain.ts'

/** A log as ReceiptRoots has it. */
export interface AnchoredLog {
  /** Number of the next epoch. */
  readonly epochs: number
  /** Zero before the first. */
  readonly lastRoot: Hex
}

/** An epoch as ReceiptRoots has it. */
export interface AnchoredRoot {
  readonly root: Hex
  readonly size: number
  /** Unix seconds. */
  readonly anchoredAt: number
  readonly blockNumber: bigint
}

/** The next epoch of a log. */
export interface AnchorCall {
  readonly bindingId: Hex
  readonly epoch: number
  readonly previous: Hex
  readonly root: Hex
  readonly size: number
  readonly digest: Hex
  /** Empty for nowhere. */
  readonly locator: string
}

/** A transaction that anchors. */
export interface SentAnchor extends GasFees {
  readonly hash: Hex
  readonly nonce: number
}

/**
 * The chain as the log of receipts needs it. Every method throws a ChainError. What decides over rows on disk is what more than half
 * of the RPCs say: one that lies can stop a log, and never fork it.
 */
export interface LogChain {
  head(): Promise<bigint>
  log(bindingId: Hex): Promise<AnchoredLog>
  /** Undefined where there is none. */
  epoch(bindingId: Hex, epoch: number): Promise<AnchoredRoot | undefined>
  /** Where the agent's registration file is, as ERC-8004 has it. */
  agentUri(agentId: bigint): Promise<string>
  /**
   * Sends from the node's signer: in the place of `before` for more, where that is in no block yet, and else with a nonce of its own.
   * `record` has what is sent on disk before anybody sees it. False, and nothing is sent, while another transaction of the signer
   * is under way: behind one that is stuck nothing is put.
   */
  anchor(
    call: AnchorCall,
    before: SentAnchor | undefined,
    record: (sent: SentAnchor) => Promise<void>,
  ): Promise<boolean>
}
