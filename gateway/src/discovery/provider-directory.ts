import type { GatewayChain, ProviderState } from '../chain/gateway-chain.ts'

/** Providers known from chain events, with their state as of the last refresh. */
export interface ProviderDirectory {
  /** Reads new events, then the live state of every known provider. */
  refresh(): Promise<void>
  /** In order of discovery. */
  providers(): readonly ProviderState[]
  provider(agentId: bigint): ProviderState | undefined
}

/** Blocks of one event query; RPC services refuse larger ranges. */
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

  const readEvents = async (): Promise<void> => {
    const head = await chain.blockNumber()
    let from = next - REORG_DEPTH > deployedAtBlock ? next - REORG_DEPTH : deployedAtBlock
    while (from <= head) {
      const to = from + MAX_RANGE - 1n < head ? from + MAX_RANGE - 1n : head
      for (const agentId of await chain.agentsTouched(from, to)) {
        if (!known.has(agentId) && known.size < MAX_PROVIDERS) known.set(agentId, undefined)
      }
      from = to + 1n
      next = from
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
