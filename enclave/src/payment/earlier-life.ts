import { MAX_AUTH_LIFE_S, type Hex } from '@jeju/verifier/protocol'
import type { NodeChain } from '../chain/node-chain.ts'

/**
 * The latest end of any authorisation that these keys can have taken before this start, Unix seconds; undefined where
 * there was no earlier life. The disk cannot say which of them were answered: the host may have put an older one in, and a
 * second answer would be a second receipt, for which the bond is slashed (attacks N9, S5). The chain can say whether there
 * was an earlier life at all, since nobody serves before the binding is granted.
 */
export async function earlierLifeEnd(
  chain: Pick<NodeChain, 'binding' | 'recentBlock'>,
  bindingId: Hex,
  now: Date,
): Promise<bigint | undefined> {
  const [{ validUntil }, { timestamp }] = await Promise.all([
    chain.binding(bindingId),
    chain.recentBlock(),
  ])
  if (validUntil === 0n) return undefined
  const clock = BigInt(Math.floor(now.getTime() / 1000))
  // The clock is the host's, who may set it back to make this end early.
  return (clock > timestamp ? clock : timestamp) + MAX_AUTH_LIFE_S
}
