import type { DeviceRecord } from '@jeju/contracts'
import type { Hex } from '@jeju/verifier/protocol'

/** Prices of one version, wei per million tokens. */
export interface Price {
  readonly version: number
  readonly inPerMTok: bigint
  readonly outPerMTok: bigint
  readonly maxOutputTokens: number
}

/** A service a provider offers, with the price at which a channel can be opened now. */
export interface ServiceOffer {
  readonly serviceId: number
  readonly modelId: Hex
  readonly modelName: string
  readonly price: Price
}

/** A provider as the registry has it now. */
export interface ProviderState {
  readonly agentId: bigint
  /** Registered, switched on, owner unchanged, bonded. */
  readonly active: boolean
  /** Lowercase. */
  readonly owner: Hex
  readonly endpoint: string
  readonly endpointVersion: number
  /** What the owner has bonded for the agent and is not taking out, wei. */
  readonly stake: bigint
  /** Active services only. */
  readonly services: readonly ServiceOffer[]
}

/** What a provider says of itself in its registration file, or why that is not one of this provider. */
export type Registration =
  { readonly name: string; readonly description: string } | { readonly problem: string }

/** A binding as the registry has it now. */
export interface BindingState extends DeviceRecord {
  readonly valid: boolean
  readonly agentId: bigint
  /** Unix seconds. */
  readonly validUntil: bigint
}

/** A payment channel as the ledger has it now. */
export interface ChannelState {
  /** The wallet that pays; lowercase. */
  readonly user: Hex
  readonly agentId: bigint
  readonly serviceId: number
  readonly priceVersion: number
  readonly mode: 'receipt' | 'voucher'
  readonly state: 'none' | 'open' | 'closing' | 'closed'
  /** Key that signs authorisations; lowercase. */
  readonly sessionKey: Hex
}

/** What a channel is for; none of it ever changes. */
export interface ServiceTerms {
  readonly modelId: Hex
  readonly price: Price
}

/** The chain as a gateway needs it; read only. */
export interface GatewayChain {
  /**
   * Whether every RPC service is of the deployment's chain, and the contracts name each other and the canonical
   * ERC-8004 registries where there are such (attacks R16, T6).
   * @throws DeploymentError
   */
  checkContracts(): Promise<void>
  /**
   * Whether the latest block is recent: what a service that stands still says of a revocation is as old as its latest
   * block, however promptly it answers. A development chain makes blocks only with transactions and is not asked.
   * @throws DeploymentError
   */
  requireRecent(at: Date): Promise<void>
  blockNumber(): Promise<bigint>
  /** Hash of a block of the chain as it is now; undefined when there is none of that number. */
  blockHash(block: bigint): Promise<Hex | undefined>
  /** Agents named by any registry event in these blocks, both ends included. */
  agentsTouched(fromBlock: bigint, toBlock: bigint): Promise<readonly bigint[]>
  /** One page of the registered agents, in their order; `next` is 0 at the end. */
  agentsFrom(
    cursor: bigint,
    limit: number,
  ): Promise<{ readonly agents: readonly bigint[]; readonly next: bigint }>
  /** In the order of their ids; undefined for one that could not be read. Rejects where none could be. */
  readProviders(agentIds: readonly bigint[]): Promise<readonly (ProviderState | undefined)[]>
  /**
   * The agent's registration file, compared with the registry and this endpoint of it.
   * @throws RegistrationFileError
   */
  registration(agentId: bigint, endpoint: string): Promise<Registration>
  binding(bindingId: Hex): Promise<BindingState>
  /** As {@link readProviders}. */
  readBindings(bindingIds: readonly Hex[]): Promise<readonly (BindingState | undefined)[]>
  channel(channelId: Hex): Promise<ChannelState>
  terms(agentId: bigint, serviceId: number, priceVersion: number): Promise<ServiceTerms>
}
