import type { Hex, NodeStatement, Receipt, RequestAuth } from '@jeju/verifier/protocol'

/** What the ledger says of a channel; money in wei, times in Unix seconds. */
export interface Channel {
  readonly agentId: bigint
  readonly serviceId: number
  readonly priceVersion: number
  readonly state: 'none' | 'open' | 'closing' | 'closed'
  readonly locked: bigint
  readonly spent: bigint
  readonly closeAt: bigint
  readonly sessionKey: Hex
}

/** One immutable price version. */
export interface Price {
  readonly inPerMTok: bigint
  readonly outPerMTok: bigint
  readonly maxOutputTokens: number
}

/** A binding as the registry has it. */
export interface BindingRecord {
  readonly valid: boolean
  readonly validUntil: bigint
  readonly revoked: boolean
}

/** Everything that is settled together: both sides' signed statements. */
export interface SettlementItem {
  readonly auth: RequestAuth
  readonly authSig: Hex
  readonly receipt: Receipt
  readonly receiptSig: Hex
}

/** What became of one item. `final` items never need to be sent again. */
export interface Settlement {
  readonly status: string
  readonly final: boolean
  readonly fee: bigint
}

/** A registration or renewal. */
export interface AttestCall {
  readonly statement: NodeStatement
  readonly evidenceHash: Hex
  readonly blockNumber: bigint
  readonly validUntil: bigint
  readonly deadline: bigint
  readonly signerSig: Hex
}

/** The chain as a node needs it. Every method throws {@link ChainError} when the RPC or a contract refuses. */
export interface NodeChain {
  /** The block before the latest, whose hash contracts can already see, and the latest time. */
  recentBlock(): Promise<{
    readonly number: bigint
    readonly hash: Hex
    readonly timestamp: bigint
  }>
  /** Recorded owner of the agent; undefined when it is not registered. */
  ownerOf(agentId: bigint): Promise<Hex | undefined>
  service(
    agentId: bigint,
    serviceId: number,
  ): Promise<{ readonly modelId: Hex; readonly modelName: string }>
  price(agentId: bigint, serviceId: number, version: number): Promise<Price>
  channel(channelId: Hex): Promise<Channel>
  isNonceUsed(channelId: Hex, bindingId: Hex, nonce: bigint): Promise<boolean>
  isBindingApproved(agentId: bigint, bindingId: Hex): Promise<boolean>
  binding(bindingId: Hex): Promise<BindingRecord>
  /** Sends from the node's signer and waits until it is mined. */
  attest(call: AttestCall): Promise<void>
  /** Sends what can be paid now and says what became of each item, in order. */
  settle(items: readonly SettlementItem[]): Promise<readonly Settlement[]>
}

/** The RPC failed or a contract refused. The text is short and holds no request content. */
export class ChainError extends Error {
  override readonly name = 'ChainError'
  readonly code = 'CHAIN_UNAVAILABLE'
}
