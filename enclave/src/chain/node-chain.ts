import type { BINDING_STATUSES, MemberOf, SETTLEMENT_STATUSES } from '@jeju/contracts'
import type { Hex, NodeStatement, Receipt, RequestAuth } from '@jeju/verifier/protocol'

/** What the ledger says of a channel; money in wei, times in Unix seconds. */
export interface Channel {
  readonly agentId: bigint
  readonly serviceId: number
  readonly priceVersion: number
  /** Paid receipt by receipt, or by vouchers. */
  readonly mode: 'receipt' | 'voucher'
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

/** A registered provider. */
export interface ProviderRecord {
  /** Owner of the agent, as recorded at registration. */
  readonly owner: Hex
  /** Where the registry sends clients. */
  readonly endpoint: string
}

/** A binding as the registry has it. */
export interface BindingRecord {
  readonly valid: boolean
  /** Unix seconds. */
  readonly validUntil: bigint
  readonly revoked: boolean
  /** Under the endpoint of now, by the verifier that judges here: its next grant is a renewal. */
  readonly judged: boolean
  /** Block that the evidence of its last grant names; 0 where there is none. */
  readonly blockNumber: bigint
  /** Hash of the evidence of its last grant; zero where there is none, or the RPC no longer tells. */
  readonly evidence: Hex
}

/** What the registry makes of a binding now. */
export type BindingStatus = MemberOf<typeof BINDING_STATUSES>

/** A block that a quote can name, and the chain's time. */
export interface Block {
  readonly number: bigint
  readonly hash: Hex
  /** Of the newest block, Unix seconds. */
  readonly timestamp: bigint
}

/** Everything that is settled together: both sides' signed statements. */
export interface SettlementItem {
  readonly auth: RequestAuth
  readonly authSig: Hex
  readonly receipt: Receipt
  readonly receiptSig: Hex
}

/** What InferenceServing makes of an item. */
export type SettlementStatus = MemberOf<typeof SETTLEMENT_STATUSES>

/** A registration or renewal that no verifier on chain has judged; times in Unix seconds. */
export interface BindSignerCall {
  readonly statement: NodeStatement
  readonly evidenceHash: Hex
  readonly blockNumber: bigint
  readonly validUntil: bigint
  readonly deadline: bigint
  readonly signerSig: Hex
}

/** A registration that a verifier on chain judges; times in Unix seconds. */
export interface AttestCall {
  readonly statement: NodeStatement
  /** In the verifier's own form. */
  readonly evidence: Uint8Array
  readonly blockNumber: bigint
  readonly deadline: bigint
  readonly signerSig: Hex
}

/** The renewal of one. */
export interface RenewCall {
  readonly agentId: bigint
  readonly bindingId: Hex
  /** In the verifier's own form. */
  readonly evidence: Uint8Array
  readonly blockNumber: bigint
}

/** A binding's claim of its devices, in its own world of roots; times in Unix seconds. */
export interface DeviceClaimRecord {
  /** Whether it holds every device of its statement. */
  readonly isWhole: boolean
  /** Until when no other binding takes them. */
  readonly keptUntil: bigint
  /** How long a claim keeps them. */
  readonly leaseS: bigint
  /** Block that the evidence of the last claim names; 0 where there was none. */
  readonly blockNumber: bigint
}

/** Evidence that is judged on chain, and the collateral it is judged against. What is refused is said in words. */
export interface OnchainVerification {
  /** In the registry's list. */
  readonly verifierIndex: bigint
  /**
   * Brings what the chain lacks before it can judge this quote; the gas of each transaction.
   * @param caching whether this attestation key will sign more of them, so that it is worth to be known
   */
  bringCollateral(quote: Uint8Array, caching: boolean): Promise<readonly Brought[]>
  /**
   * Intel's documents as they stand now for the platform of an evidence bundle, in the form that verifiers exchange: what
   * judges it when Intel serves others. Not judged here.
   */
  collateralOf(evidence: Uint8Array): Promise<string>
  /** The quote in the form that the verifier takes. */
  evidenceOf(quote: Uint8Array, gpuEvidenceDigest: Hex): Promise<Uint8Array>
  /** Sends from the node's signer and waits until it is mined; nothing is sent that would be refused. */
  attest(call: AttestCall): Promise<{ readonly gasUsed: bigint }>
  /** Of what `attest` granted before; sent as that is. */
  renew(call: RenewCall): Promise<{ readonly gasUsed: bigint }>
  /** What the registry has of this binding's devices. */
  deviceClaim(bindingId: Hex): Promise<DeviceClaimRecord>
  /**
   * Until when other bindings keep any of these devices, Unix seconds; 0 where none ever claimed one. It may be over, and
   * who holds a device may be gone before.
   */
  heldUntil(bindingId: Hex, devices: readonly Hex[]): Promise<bigint>
  /**
   * Records the GPUs and switches of a granted statement as this binding's; sent as `attest` is.
   * @param devices identities that `gpuDevicesDigest` of the statement is the digest of, ascending
   */
  claimDevices(
    statement: NodeStatement,
    devices: readonly Hex[],
  ): Promise<{ readonly gasUsed: bigint }>
}

/** Collateral that went to the chain in one transaction. */
export interface Brought {
  readonly steps: readonly string[]
  readonly gasUsed: bigint
}

/** The chain as a node needs it. Every method throws {@link ChainError} when the RPC or a contract refuses. */
export interface NodeChain {
  /** Undefined where the deployment has nothing that judges evidence; then nobody grants more than tier NONE. */
  readonly verification: OnchainVerification | undefined
  /**
   * Whether the contracts name each other, and the canonical ERC-8004 registries where there are such (attack R16).
   * @throws DeploymentError
   */
  checkContracts(): Promise<void>
  /**
   * The block before the newest. A call is judged in the newest block, whose own hash no contract can see yet, so
   * that one cannot be named.
   */
  recentBlock(): Promise<Block>
  /** Undefined when the agent is not registered. */
  provider(agentId: bigint): Promise<ProviderRecord | undefined>
  service(agentId: bigint, serviceId: number): Promise<{ readonly modelId: Hex }>
  price(agentId: bigint, serviceId: number, version: number): Promise<Price>
  /** The version at which channels are opened now. */
  currentPriceVersion(agentId: bigint, serviceId: number): Promise<number>
  channel(channelId: Hex): Promise<Channel>
  isNonceUsed(channelId: Hex, bindingId: Hex, nonce: bigint): Promise<boolean>
  isBindingApproved(agentId: bigint, bindingId: Hex): Promise<boolean>
  binding(bindingId: Hex): Promise<BindingRecord>
  /** How it stands by today's collateral and allow-list. */
  bindingStatus(bindingId: Hex): Promise<BindingStatus>
  /** Longest life of a binding from one grant, in seconds. */
  bindingValidity(): Promise<bigint>
  /** Sends from the node's signer and waits until it is mined. */
  bindSigner(call: BindSignerCall): Promise<void>
}

/** Who has to act on a {@link ChainError}. */
export type ChainErrorCode =
  | 'CHAIN_UNAVAILABLE' // the RPC did not answer, or not as the ABI says: try again
  | 'CHAIN_REFUSED' // a contract refused: something is to be changed first

/** The RPC failed or a contract refused. The text is short and holds no request content. */
export class ChainError extends Error {
  override readonly name = 'ChainError'
  readonly code: ChainErrorCode

  constructor(code: ChainErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
