import { computeRegistryAbi } from '@jeju/contracts'
import type { Hex } from '@jeju/verifier/protocol'
import { type PublicClient, zeroHash } from 'viem'

/** What the registry keeps of a binding's grants, and the block that the last one names. */
interface GrantRow {
  readonly head: Hex
  readonly blockNumber: bigint
}

/** Names the evidence of a binding's last grant, which the registry keeps only as one link of a chain. */
export type LastGrant = (bindingId: Hex, row: GrantRow) => Promise<Hex>

/** No evidence may name an older block than this (`ComputeRegistry.MAX_FRESHNESS_WINDOW`). */
const MAX_WINDOW = 8191n

/**
 * Reads the event of the grant, once for each: it was mined within the window after the block that it names.
 * Zero where there was none, or the RPC no longer has it.
 */
export function createLastGrant(reader: PublicClient, address: Hex): LastGrant {
  let known: { readonly head: Hex; readonly evidenceHash: Hex } | undefined
  return async (bindingId, { head, blockNumber }) => {
    if (blockNumber === 0n) return zeroHash
    if (known?.head === head) return known.evidenceHash
    const [latest, last] = [await reader.getBlockNumber(), blockNumber + MAX_WINDOW]
    const range = { fromBlock: blockNumber, toBlock: latest < last ? latest : last }
    const query = { address, abi: computeRegistryAbi, args: { bindingId }, ...range } as const
    const events = await Promise.all([
      reader.getContractEvents({ ...query, eventName: 'Attested' }),
      reader.getContractEvents({ ...query, eventName: 'SignerBound' }),
    ])
    const grant = events.flat().find(({ args }) => args.blockNumber === blockNumber)
    const evidenceHash = grant?.args.evidenceHash
    if (evidenceHash === undefined) return zeroHash
    known = { head, evidenceHash }
    return evidenceHash
  }
}
