import { setTimeout as delay } from 'node:timers/promises'
import type { Hex } from '@jeju/verifier/protocol'
import { ChainError, type NodeChain, type ProviderRecord } from '../chain/node-chain.ts'
import type { Logger } from '../logging.ts'

/** What the chain says of this node's agent is not what this node was told. */
export class RegistrationError extends Error {
  override readonly name = 'RegistrationError'
  readonly code = 'REGISTRATION_MISMATCH'
}

/** Which rows of the registry this node serves, and where. */
export interface OwnRecords {
  readonly agentId: bigint
  readonly serviceId: number
  /** Origin that clients reach this node at. */
  readonly publicUrl: string
  /** What this node's own engine serves. */
  readonly modelId: Hex
}

/**
 * The agent's provider record, after comparing agent, service and endpoint with this node: on a mismatch it would be
 * paid for one model and serve another, or wait where nobody comes (attack N15).
 * @throws RegistrationError
 */
export async function readOwnProvider(
  chain: NodeChain,
  { agentId, serviceId, publicUrl, modelId }: OwnRecords,
): Promise<ProviderRecord> {
  const provider = await chain.provider(agentId)
  if (provider === undefined) {
    throw new RegistrationError(`agent ${agentId} is not a registered provider on this chain`)
  }
  const { endpoint } = provider
  if (!URL.canParse(endpoint) || new URL(endpoint).href !== new URL(publicUrl).href) {
    throw new RegistrationError(
      `agent ${agentId} is registered at ${endpoint.slice(0, 256)}, this node is told ${publicUrl}`,
    )
  }
  const service = await chain.service(agentId, serviceId)
  if (service.modelId !== modelId) {
    throw new RegistrationError(
      `service ${serviceId} offers model ${service.modelId}, this node serves ${modelId}`,
    )
  }
  return provider
}

const FIRST_RETRY_MS = 500
const MAX_RETRY_MS = 10_000
const MAX_ATTEMPTS = 12

/** Repeats a read while the RPC cannot be reached, for about a minute and a half. What a contract refuses is final. */
export async function whileUnavailable<Answer>(
  logger: Logger,
  read: () => Promise<Answer>,
): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await read()
    } catch (error) {
      const again = error instanceof ChainError && error.code === 'CHAIN_UNAVAILABLE'
      if (!again || attempt === MAX_ATTEMPTS) throw error
      logger.warn({ reason: error.message, attempt }, 'the chain cannot be reached')
      await delay(Math.min(FIRST_RETRY_MS * 2 ** (attempt - 1), MAX_RETRY_MS))
    }
  }
}
