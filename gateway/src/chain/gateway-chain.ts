import type { Hex } from '@jeju/verifier/protocol'

/** A service a provider offers, with the price at which a channel can be opened now. */
export interface ServiceOffer {
  readonly serviceId: number
  readonly modelId: Hex
  readonly modelName: string
  readonly price: {
    readonly version: number
    readonly inPerMTok: bigint
    readonly outPerMTok: bigint
    readonly maxOutputTokens: number
  }
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
  /** Active services only. */
  readonly services: readonly ServiceOffer[]
}

/** A binding as the registry has it now. */
export interface BindingState {
  readonly valid: boolean
  readonly agentId: bigint
  /** Unix seconds. */
  readonly validUntil: bigint
}

/** The chain as a gateway needs it; read only. */
export interface GatewayChain {
  /**
   * Whether the contracts name each other, and the canonical ERC-8004 registries where there are such (attack R16).
   * @throws DeploymentError
   */
  checkContracts(): Promise<void>
  blockNumber(): Promise<bigint>
  /** Agents named by any registry event in these blocks, both ends included. */
  agentsTouched(fromBlock: bigint, toBlock: bigint): Promise<readonly bigint[]>
  provider(agentId: bigint): Promise<ProviderState>
  binding(bindingId: Hex): Promise<BindingState>
}
