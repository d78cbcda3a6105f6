import { RegistrationFileError, type AgentService } from '@jeju/contracts'
import {
  encodeRelease,
  MAX_RELEASE_LIFE_S,
  signRelease,
  type ContractDomain,
  type Hex,
} from '@jeju/verifier/protocol'
import { SdkError } from '../errors/sdk-error.ts'
import { isLoopback, parseBaseUrl } from '../gateway/base-url.ts'
import type { ChannelRecord } from '../payment/channel-records.ts'

/** Name of the service of a registration file that releases channels. */
const RELEASE_SERVICE = 'release'

/** A provider has to send a transaction and see it in a block. */
const RELEASE_TIMEOUT_MS = 60_000

/** What asking a provider needs. */
export interface ReleaseParts {
  /** Services of the agent's registration file. Throws `RegistrationFileError`. */
  readonly servicesOf: (agentId: bigint) => Promise<readonly AgentService[]>
  readonly feesOf: (channelId: Hex) => Promise<bigint>
  readonly ledger: ContractDomain
  /** Whether a provider on this very machine may be asked: for a devnet. */
  readonly allowLoopback: boolean
  readonly transport: typeof fetch
  readonly now: () => Date
}

/**
 * Asks the provider of a channel to release it, where his registration file names a place for that. Whether he did is
 * for the chain to say. Throws `RELEASE_REFUSED`.
 */
export async function askRelease(parts: ReleaseParts, channel: ChannelRecord): Promise<void> {
  const endpoint = await endpointOf(parts, channel.agentId)
  const { channelId, sessionKey } = channel
  const paid = await parts.feesOf(channelId)
  const deadline = BigInt(Math.floor(parts.now().getTime() / 1000)) + MAX_RELEASE_LIFE_S / 2n
  const signed = signRelease({ channelId, paid, deadline }, parts.ledger, sessionKey)
  const response = await parts
    .transport(endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: encodeRelease(signed),
      redirect: 'error',
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      signal: AbortSignal.timeout(RELEASE_TIMEOUT_MS),
    })
    .catch((cause: unknown) => {
      throw refused(cause instanceof Error ? cause.name : 'no answer', cause)
    })
  await response.body?.cancel()
  if (response.status !== 200) throw refused(`status ${response.status}`)
}

async function endpointOf(
  { servicesOf, allowLoopback }: ReleaseParts,
  agentId: bigint,
): Promise<string> {
  const services = await servicesOf(agentId).catch((cause: unknown) => {
    if (!(cause instanceof RegistrationFileError)) throw cause
    throw refused('the agent has no registration file that fits it', cause)
  })
  const found = services.filter(({ name }) => name === RELEASE_SERVICE)
  const [service] = found
  if (service === undefined || found.length > 1) throw refused('the agent names no place for it')
  const endpoint = parseBaseUrl(service.endpoint)
  // A provider must not choose what this machine connects to inside itself.
  if (isLoopback(endpoint) && !allowLoopback) throw refused('the agent names a loopback address')
  return endpoint
}

function refused(actual: string, cause?: unknown): SdkError {
  return new SdkError('RELEASE_REFUSED', `release: expected 200, got ${actual}`, { cause })
}
