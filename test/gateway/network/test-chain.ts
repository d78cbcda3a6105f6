import type { Hex } from '@jeju/verifier/protocol'
import type {
  BindingState,
  GatewayChain,
  ProviderState,
} from '../../../gateway/src/chain/gateway-chain.ts'

const NOBODY: Hex = `0x${'00'.repeat(20)}`

/** The registry in memory: events by block, state as of now. */
export class TestChain implements GatewayChain {
  head = 100n
  readonly events = new Map<bigint, readonly bigint[]>()
  readonly providers = new Map<bigint, ProviderState>()
  readonly bindings = new Map<Hex, BindingState>()
  /** Event queries made, both ends included. */
  readonly ranges: (readonly [bigint, bigint])[] = []
  stateReads = 0
  /** Events of one answer; more are refused, as RPC services do. */
  maxEvents = 10_000
  /** Makes every call fail, as an RPC service that is down. */
  down = false

  /** What the check of the contracts finds. */
  lookAlike: Error | undefined

  async checkContracts(): Promise<void> {
    this.#answer()
    if (this.lookAlike !== undefined) throw this.lookAlike
  }

  async blockNumber(): Promise<bigint> {
    this.#answer()
    return this.head
  }

  async agentsTouched(fromBlock: bigint, toBlock: bigint): Promise<readonly bigint[]> {
    this.#answer()
    this.ranges.push([fromBlock, toBlock])
    const touched = [...this.events].flatMap(([block, agents]) =>
      block >= fromBlock && block <= toBlock ? agents : [],
    )
    if (touched.length > this.maxEvents) throw new Error('query returned too many results')
    return touched
  }

  async provider(agentId: bigint): Promise<ProviderState> {
    this.#answer()
    this.stateReads++
    return this.providers.get(agentId) ?? unregistered(agentId)
  }

  async binding(bindingId: Hex): Promise<BindingState> {
    this.#answer()
    return this.bindings.get(bindingId) ?? { valid: false, agentId: 0n, validUntil: 0n }
  }

  #answer(): void {
    if (this.down) throw new Error('RPC is down')
  }
}

function unregistered(agentId: bigint): ProviderState {
  return { agentId, active: false, owner: NOBODY, endpoint: '', endpointVersion: 0, services: [] }
}
