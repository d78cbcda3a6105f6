import { inferenceServingAbi, ledgerManagerAbi, reputationRegistryAbi } from '@jeju/contracts'
import type { Hex } from '@jeju/verifier/protocol'
import { publicActions } from 'viem'
import type { Network } from './network.ts'

/** What the chain says of a channel and of an agent's settled work. Money in wei. */
export interface Settlement {
  readonly locked: bigint
  readonly spent: bigint
  /** Receipts settled for the agent, all channels. */
  readonly settled: bigint
  /** Entries in the ERC-8004 reputation registry that InferenceServing wrote. */
  readonly feedbackCount: bigint
}

/** Reads all of it as of one block: the node settles meanwhile. */
export async function settlementOf(
  network: Network,
  channelId: Hex,
  agentId: bigint,
): Promise<Settlement> {
  const client = network.wallet(0).extend(publicActions)
  const { ledgerManager, inferenceServing, reputationRegistry } = network.chain.deployment
  const blockNumber = await client.getBlockNumber({ cacheTime: 0 })
  const { locked, spent } = await client.readContract({
    address: ledgerManager,
    abi: ledgerManagerAbi,
    functionName: 'channelOf',
    args: [channelId],
    blockNumber,
  })
  const [settled] = await client.readContract({
    address: inferenceServing,
    abi: inferenceServingAbi,
    functionName: 'counters',
    args: [agentId],
    blockNumber,
  })
  const feedbackCount = await client.readContract({
    address: reputationRegistry,
    abi: reputationRegistryAbi,
    functionName: 'getLastIndex',
    args: [agentId, inferenceServing],
    blockNumber,
  })
  return { locked, spent, settled, feedbackCount }
}
