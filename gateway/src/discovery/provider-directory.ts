import type { GatewayChain, ProviderState } from '../chain/gateway-chain.ts'
import type { Cursor, GatewayStore } from '../store/gateway-store.ts'

/** Providers known from the registry's pages and events, with their state as of the last refresh. */
export interface ProviderDirectory {
  /** Reads new events, then the live state of every known provider. Returns how many could not be read. */
  refresh(): Promise<number>
  /** In order of discovery. */
  providers(): readonly ProviderState[]
  provider(agentId: bigint): ProviderState | undefined
}

/** How long a state counts that could not be read again. */
export interface StateAge {
  readonly now: () => Date
  readonly maxAgeMs: number
}

/** Blocks of one event query at most; RPC services refuse larger ranges. */
const MAX_RANGE = 2_000n
/** Blocks read again each time, in case the chain was reorganised. */
const REORG_DEPTH = 12n
/** Providers beyond this are not followed: a row costs a bond, and each costs us calls. */
const MAX_PROVIDERS = 1_000
/** Agents of one page. */
const PAGE = 200
/** Pages that are read at once at most. */
const MAX_PAGES = 50

/**
 * A directory that goes on where the store stopped, if the chain still has the block it stopped at, and otherwise
 * begins at the block of the deployment. The registry's pages come first: they name everybody at once. They are read
 * again whenever the block up to which events were read has gone, so that a reorganisation of any depth hides nobody.
 */
export function createProviderDirectory(
  chain: GatewayChain,
  deployedAtBlock: bigint,
  store: GatewayStore['discovery'],
  { now, maxAgeMs }: StateAge,
): ProviderDirectory {
  const known = new Map<bigint, ProviderState | undefined>()
  /** When the state of each was read last, Unix milliseconds. */
  const readAt = new Map<bigint, number>()
  let next = deployedAtBlock
  let range = MAX_RANGE
  let started = false
  /** Whether the pages name somebody for whom there was no room. */
  let leftOut = false

  const whoIsOff = (): bigint[] =>
    [...known].flatMap(([agentId, state]) => (state?.active === false ? [agentId] : []))
  /** Who is off makes room for who comes later. */
  const learn = (agents: readonly bigint[]): void => {
    const off = whoIsOff().values()
    for (const agentId of agents) {
      if (known.has(agentId)) continue
      if (known.size >= MAX_PROVIDERS) {
        const { value: leaves } = off.next()
        if (leaves === undefined) {
          leftOut = true
          return
        }
        known.delete(leaves)
        readAt.delete(leaves)
      }
      known.set(agentId, undefined)
    }
  }
  const readPages = async (): Promise<void> => {
    leftOut = false
    let at = 0n
    for (let page = 0; page < MAX_PAGES; page++) {
      const { agents, next: following } = await chain.agentsFrom(at, PAGE)
      learn(agents)
      if (following === 0n) return
      at = following
    }
  }
  const isStillThere = async ({ block, hash }: Cursor): Promise<boolean> =>
    (await chain.blockHash(block)) === hash
  const start = async (): Promise<void> => {
    learn(store.agents())
    const cursor = store.cursor()
    // A block that is not there any more: the chain was reorganised deeper than is read again, or is another one.
    const goesOn = cursor !== undefined && (await isStillThere(cursor))
    if (goesOn && cursor.block > next) next = cursor.block
    await readPages()
    started = true
  }
  const goOn = async (): Promise<void> => {
    const cursor = store.cursor()
    const isReorganised = cursor !== undefined && !(await isStillThere(cursor))
    const hasRoomNow = leftOut && whoIsOff().length > 0
    if (isReorganised || hasRoomNow) await readPages()
  }
  /**
   * Reads events and returns the last block read. A range with more events than an RPC service hands out, which any
   * provider can bring about, is read in parts.
   */
  const readRange = async (from: bigint, head: bigint): Promise<bigint> => {
    for (;;) {
      const to = from + range - 1n < head ? from + range - 1n : head
      try {
        learn(await chain.agentsTouched(from, to))
        range = range * 2n < MAX_RANGE ? range * 2n : MAX_RANGE
        return to
      } catch (error) {
        if (to === from) throw error
        range = (to - from + 1n) / 2n
      }
    }
  }
  const readEvents = async (): Promise<void> => {
    const head = await chain.blockNumber()
    // Named before its events are read: what changes meanwhile is then found out the next time.
    const hash = await chain.blockHash(head)
    // On a chain that became shorter the blocks to come are others than those that were read.
    if (next > head + 1n) next = head + 1n
    let from = next - REORG_DEPTH > deployedAtBlock ? next - REORG_DEPTH : deployedAtBlock
    while (from <= head) {
      from = (await readRange(from, head)) + 1n
      if (from > next) next = from
    }
    if (hash !== undefined) store.save({ block: head, hash }, [...known.keys()])
  }
  /** One that could not be read is as it was for a while, as all are while no service answers. */
  const readStates = async (): Promise<number> => {
    const ids = [...known.keys()]
    const startedAt = now().getTime()
    const states = await chain.readProviders(ids)
    for (const [index, agentId] of ids.entries()) {
      const state = states[index]
      if (state !== undefined) {
        known.set(agentId, state)
        readAt.set(agentId, startedAt)
      } else if (startedAt - (readAt.get(agentId) ?? 0) > maxAgeMs) {
        known.set(agentId, undefined)
      }
    }
    return states.filter((state) => state === undefined).length
  }
  return {
    refresh: async () => {
      await (started ? goOn() : start())
      await readEvents()
      return readStates()
    },
    providers: () => [...known.values()].filter((state) => state !== undefined),
    provider: (agentId) => known.get(agentId),
  }
}
