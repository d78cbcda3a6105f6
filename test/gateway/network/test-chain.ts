import type { DeviceRecord } from '@jeju/contracts'
import type { Hex } from '@jeju/verifier/protocol'
import type {
  BindingState,
  ChannelState,
  GatewayChain,
  ProviderState,
  Registration,
  ServiceTerms,
} from '../../../gateway/src/chain/gateway-chain.ts'

const NOBODY: Hex = `0x${'00'.repeat(20)}`

/** The registry in memory: events by block, state as of now. */
export class TestChain implements GatewayChain {
  head = 100n
  readonly events = new Map<bigint, readonly bigint[]>()
  readonly providers = new Map<bigint, ProviderState>()
  /** On a chain without a verifier, unless one says more. */
  readonly bindings = new Map<Hex, Omit<BindingState, keyof DeviceRecord> & Partial<DeviceRecord>>()
  /** Event queries made, both ends included. */
  readonly ranges: (readonly [bigint, bigint])[] = []
  readonly channels = new Map<Hex, ChannelState>()
  /** Agents that the registry's pages name; events name them too. */
  readonly pages: bigint[] = []
  /** Blocks whose hash is another than it was. */
  fork = 0
  stateReads = 0
  /** Agents and bindings of which nothing can be read, while the others can. */
  readonly unreadable = new Set<bigint | Hex>()
  /** Registration files, or what reading one throws. */
  readonly registrations = new Map<bigint, Registration | Error>()
  registrationReads = 0
  channelReads = 0
  /** Events of one answer; more are refused, as RPC services do. */
  maxEvents = 10_000
  /** Makes every call fail, as an RPC service that is down. */
  down = false

  /** What is said of a chain that stands still. */
  behind: Error | undefined
  /** What the check of the contracts finds. */
  lookAlike: Error | undefined

  async checkContracts(): Promise<void> {
    this.#answer()
    if (this.lookAlike !== undefined) throw this.lookAlike
  }

  async requireRecent(): Promise<void> {
    this.#answer()
    if (this.behind !== undefined) throw this.behind
  }

  async blockNumber(): Promise<bigint> {
    this.#answer()
    return this.head
  }

  async blockHash(block: bigint): Promise<Hex | undefined> {
    this.#answer()
    if (block > this.head) return undefined
    return `0x${(block + BigInt(this.fork) * 2n ** 64n).toString(16).padStart(64, '0')}`
  }

  async agentsFrom(
    cursor: bigint,
    limit: number,
  ): Promise<{ readonly agents: readonly bigint[]; readonly next: bigint }> {
    this.#answer()
    const end = Number(cursor) + limit
    const agents = this.pages.slice(Number(cursor), end)
    return { agents, next: end < this.pages.length ? BigInt(end) : 0n }
  }

  async channel(channelId: Hex): Promise<ChannelState> {
    this.#answer()
    this.channelReads++
    return this.channels.get(channelId) ?? NO_CHANNEL
  }

  async terms(agentId: bigint, serviceId: number): Promise<ServiceTerms> {
    this.#answer()
    const service = this.providers
      .get(agentId)
      ?.services.find((offered) => offered.serviceId === serviceId)
    if (service === undefined) throw new Error('UnknownService')
    return { modelId: service.modelId, price: service.price }
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

  async readProviders(
    agentIds: readonly bigint[],
  ): Promise<readonly (ProviderState | undefined)[]> {
    this.#answer()
    this.stateReads += agentIds.length
    return agentIds.map((agentId) =>
      this.unreadable.has(agentId)
        ? undefined
        : (this.providers.get(agentId) ?? unregistered(agentId)),
    )
  }

  async registration(agentId: bigint): Promise<Registration> {
    this.#answer()
    this.registrationReads++
    const found = this.registrations.get(agentId) ?? { name: '', description: '' }
    if (found instanceof Error) throw found
    return found
  }

  async binding(bindingId: Hex): Promise<BindingState> {
    this.#answer()
    if (this.unreadable.has(bindingId)) throw new Error('resources exhausted')
    const binding = this.bindings.get(bindingId) ?? { valid: false, agentId: 0n, validUntil: 0n }
    return { tier: 'none', devices: 'not_kept', ...binding }
  }

  async readBindings(bindingIds: readonly Hex[]): Promise<readonly (BindingState | undefined)[]> {
    this.#answer()
    return Promise.all(bindingIds.map((id) => this.binding(id).catch(() => undefined)))
  }

  #answer(): void {
    if (this.down) throw new Error('RPC is down')
  }
}

const NO_CHANNEL: ChannelState = {
  user: NOBODY,
  agentId: 0n,
  serviceId: 0,
  priceVersion: 0,
  mode: 'receipt',
  state: 'none',
  sessionKey: NOBODY,
}

function unregistered(agentId: bigint): ProviderState {
  const nothing = { owner: NOBODY, endpoint: '', endpointVersion: 0, stake: 0n, services: [] }
  return { agentId, active: false, ...nothing }
}
