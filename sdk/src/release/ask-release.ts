import { RegistrationFileError, type AgentService } from '@jeju/contracts'
import {
  encodeRelease,
  MAX_RELEASE_LIFE_S,
  signRelease,
  signVoucher,
  type ContractDomain,
  type Hex,
} from '@jeju/verifier/protocol'
import { networkReason } from '../errors/network-reason.ts'
import { SdkError } from '../errors/sdk-error.ts'
import { isLoopback, parseBaseUrl } from '../gateway/base-url.ts'
import type { ChannelRecord } from '../payment/channel-records.ts'

/** Name of the service of a registration file that releases channels. */
const RELEASE_SERVICE = 'release'

/** A provider has to send a transaction and see it in a block. */
const RELEASE_TIMEOUT_MS = 60_000
/**
 * What is not settled yet usually is soon, but a node sends one transaction a minute for releases (docs/protocol.md §5.1):
 * of two users who are done with it at once the second one waits for the next. All waits and slow refusals together, well
 * within the life of the release; the refund is left to whoever is done with it.
 */
const MAX_WAIT_S = 150

/** What asking a provider needs. */
export interface ReleaseParts {
  /** Services of the agent's registration file. Throws `RegistrationFileError`. */
  readonly servicesOf: (agentId: bigint) => Promise<readonly AgentService[]>
  readonly feesOf: (channelId: Hex) => Promise<bigint>
  readonly ledger: ContractDomain
  readonly serving: ContractDomain
  /** Whether a provider on this very machine may be asked: for a devnet. */
  readonly allowLoopback: boolean
  readonly transport: typeof fetch
  readonly now: () => Date
  /** Waits so many milliseconds; a timer when absent. */
  readonly wait?: (ms: number) => Promise<unknown>
}

/**
 * Asks the provider of a channel to release it, where his registration file names a place for that: again where he says
 * 409 and when to, for two and a half minutes at most. Whether he did is for the chain to say. Throws `RELEASE_REFUSED`.
 */
export async function askRelease(parts: ReleaseParts, channel: ChannelRecord): Promise<void> {
  const endpoint = await endpointOf(parts, channel.agentId)
  const { channelId, sessionKey, mode } = channel
  const paid = await parts.feesOf(channelId)
  const deadline = BigInt(Math.floor(parts.now().getTime() / 1000)) + MAX_RELEASE_LIFE_S / 2n
  const signed = signRelease({ channelId, paid, deadline }, parts.ledger, sessionKey)
  // The last voucher, for exactly that: no node has to claim more than it has charged.
  const last = mode === 'VOUCHER' ? { channelId, cumulative: paid } : undefined
  const voucher = last && signVoucher(last, parts.serving, sessionKey)
  const body = encodeRelease(voucher === undefined ? signed : { ...signed, voucher })
  const { wait = pause } = parts
  for (let leftMs = MAX_WAIT_S * 1000; ;) {
    const askedAtMs = parts.now().getTime()
    const response = await post(parts, endpoint, body)
    await response.body?.cancel()
    if (response.status === 200) return
    // One who takes long to say when to ask again is not asked for longer than one who is quick.
    leftMs -= Math.max(0, parts.now().getTime() - askedAtMs)
    const waitMs = response.status === 409 ? retryAfterOf(response) : undefined
    if (waitMs === undefined || waitMs > leftMs) throw refused(`status ${response.status}`)
    leftMs -= waitMs
    await wait(waitMs)
  }
}

function post({ transport }: ReleaseParts, endpoint: string, body: string): Promise<Response> {
  return transport(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    redirect: 'error',
    credentials: 'omit',
    referrerPolicy: 'no-referrer',
    signal: AbortSignal.timeout(RELEASE_TIMEOUT_MS),
  }).catch((cause: unknown) => {
    throw refused(networkReason(cause), cause)
  })
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Milliseconds, a second at least; undefined where the provider does not say when to ask again. */
function retryAfterOf({ headers }: Response): number | undefined {
  const text = headers.get('retry-after') ?? ''
  return /^[0-9]{1,4}$/.test(text) ? Math.max(1, Number(text)) * 1000 : undefined
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
