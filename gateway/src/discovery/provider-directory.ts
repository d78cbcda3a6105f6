import type { GatewayChain, ProviderState } from '../chain/gateway-chain.ts'

/** Providers known from chain events, with their state as of the last refresh. */
export interface ProviderDirectory {
  /** Reads new events, then the live state of every known provider. */
  refresh(): Promise<void>
  /** In order of discovery. */
  providers(): readonly ProviderState[]
  provider(agentId: bigint): ProviderState | undefined
}

/** Blocks of one event query at most; RPC services refuse larger ranges. */
const MAX_RANGE = 2_000n
/** Blocks read again each time, in case the chain was reorganised. */
const REORG_DEPTH = 12n
/** Providers beyond this are not followed: a row costs a bond, and each costs us calls. */
const MAX_PROVIDERS = 1_000
/** State reads under way at once. */
const PARALLEL_READS = 8

/** A directory that starts at the block of the deployment. */
export function createProviderDirectory(
  chain: GatewayChain,
  deployedAtBlock: bigint,
): ProviderDirectory {
  const known = new Map<bigint, ProviderState | undefined>()
  let next = deployedAtBlock
  let range = MAX_RANGE

  /**
   * Reads events and returns the last block read. A range with more events than an RPC service hands out, which any
   * provider can bring about, is read in parts.
   */
  const readRange = async (from: bigint, head: bigint): Promise<bigint> => {
    for (;;) {
      const to = from + range - 1n < head ? from + range - 1n : head
      try {
        for (const agentId of await chain.agentsTouched(from, to)) {
          if (!known.has(agentId) && known.size < MAX_PROVIDERS) known.set(agentId, undefined)
        }
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
    let from = next - REORG_DEPTH > deployedAtBlock ? next - REORG_DEPTH : deployedAtBlock
    while (from <= head) {
      from = (await readRange(from, head)) + 1n
      if (from > next) next = from
    }
  }
  return {
    refresh: async () => {
      await readEvents()
      const ids = [...known.keys()]
      for (let at = 0; at < ids.length; at += PARALLEL_READS) {
        const part = ids.slice(at, at + PARALLEL_READS)
        const states = await Promise.all(part.map((agentId) => chain.provider(agentId)))
        for (const state of states) known.set(state.agentId, state)
      }
    },
    providers: () => [...known.values()].filter((state) => state !== undefined),
    provider: (agentId) => known.get(agentId),
  }
}
