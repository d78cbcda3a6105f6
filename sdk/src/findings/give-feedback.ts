import { inferenceServingAbi, reputationRegistryAbi, type Deployment } from '@jeju/contracts'
import { keccak256, toHex, utf8, type Hex } from '@jeju/verifier/protocol'
import { createChainClient, type Wallet } from '../chain/viem-client.ts'
import { SdkError } from '../errors/sdk-error.ts'
import type { Finding } from './finding.ts'

/** What was written to the reputation registry. */
export interface GivenFeedback {
  /** What the wallet has settled with the agent, wei; written as a negative number of ether. */
  readonly weight: bigint
  readonly hash: Hex
}

/** Decimals of the value, as of the volume that InferenceServing posts. */
const GWEI_DECIMALS = 9
const WEI_PER_GWEI = 1_000_000_000n

/**
 * Says on ERC-8004's reputation registry that an answer was wrong: tag1 `finding`, tag2 the failed check, the finding
 * itself as data URI with its hash, and as value, negative, what the wallet has paid the agent for answers
 * (`settledVolume`): it weighs as much as it cost to be a customer. Throws `NOT_VERIFIED` where that is nothing.
 */
export async function giveFeedback(
  { agentId, checks, document }: Pick<Finding, 'agentId' | 'checks' | 'document'>,
  { wallet, deployment }: { readonly wallet: Wallet; readonly deployment: Deployment },
): Promise<GivenFeedback> {
  const client = createChainClient(wallet, deployment)
  const volume = await client.read({
    address: deployment.inferenceServing,
    abi: inferenceServingAbi,
    functionName: 'settledVolume',
    args: [client.account, agentId],
  })
  const value = -(volume / WEI_PER_GWEI)
  if (value === 0n) {
    throw new SdkError(
      'NOT_VERIFIED',
      `feedback: ${client.account} has settled nothing with agent ${agentId}, so its word weighs nothing`,
    )
  }
  const uri = `data:application/json,${encodeURIComponent(document)}`
  const [check = ''] = checks
  const { hash } = await client.write({
    address: deployment.reputationRegistry,
    abi: reputationRegistryAbi,
    functionName: 'giveFeedback',
    args: [
      agentId,
      value,
      GWEI_DECIMALS,
      'finding',
      check,
      '',
      uri,
      toHex(keccak256(utf8(document))),
    ],
  })
  return { weight: volume, hash }
}
