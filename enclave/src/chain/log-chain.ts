import type { Hex } from '@jeju/verifier/protocol'

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
  /** Sends from the node's signer; resolves when it is sent. */
  anchor(call: AnchorCall): Promise<void>
}
