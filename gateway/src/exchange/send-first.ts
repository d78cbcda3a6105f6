import type { IncomingHttpHeaders } from 'node:http'
import type { PromptPath } from '@jeju/verifier/protocol'
import type { Leases } from '../admission/leases.ts'
import type { ProviderAnswer, ProviderConnection } from '../admission/provider-connection.ts'
import { GatewayError } from '../http/gateway-error.ts'
import { Leaving, type EndSignal } from '../http/leaving.ts'
import type { ProviderHealth } from '../routing/provider-health.ts'
import type { Attempt, Proposal } from './funding.ts'
import { requestHeaders } from './header-allowlist.ts'

/** A request as it arrived. */
export interface IncomingPrompt {
  readonly path: PromptPath
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** The caller's. */
  readonly signal: EndSignal
}

/** An answer whose first bytes are there, and who gave it. */
export interface SentPrompt {
  readonly attempt: Attempt
  readonly answer: ProviderAnswer
  /** When it was asked, as `performance.now()`. */
  readonly askedAtMs: number
}

/** Collaborators of {@link sendFirst}. */
export interface SendParts {
  readonly leases: Pick<Leases, 'byBinding' | 'cite' | 'end'>
  readonly connection: Pick<ProviderConnection, 'send'>
  readonly health: ProviderHealth
  /** Without any byte of an answer for so long, the next candidate is asked. */
  readonly failoverAfterMs: number
  readonly onRetry: (reason: 'refused' | 'failed' | 'stale') => void
}

/** Statuses that never have a body (Fetch, null body status). */
const NO_BODY: readonly number[] = [204, 205, 304]
/** Statuses with which another candidate is tried, where there is one. */
const FAILOVER: readonly number[] = [429, 500, 502, 503, 504]
/** Statuses that a node gives before it has used the authorisation (docs/protocol.md §5): asked again with the same. */
const UNUSED: readonly number[] = [429, 503]
const MAX_RETRIES = 2
const FIRST_WAIT_MS = 200
/** A longer `Retry-After` is passed on: the caller can wait as well as we can. */
const MAX_WAIT_MS = 3_000
/** What a connection says that the node closed while a request was on its way; the prompt was not read, or its nonce is used. */
const STALE = ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']

const UNSENT = ['ECONNREFUSED', 'UND_ERR_CONNECT_TIMEOUT', 'ENDPOINT_REFUSED', 'ENOTFOUND']

/**
 * Asks one candidate after the other until one answers; nothing is tried again once a byte of an answer is there. The
 * lease is looked up right before the bytes leave (attack F2).
 * @throws GatewayError `provider_unavailable`, `provider_not_admitted`
 */
export async function sendFirst(
  prompt: IncomingPrompt,
  proposals: readonly Proposal[],
  parts: SendParts,
): Promise<SentPrompt> {
  let refusal: GatewayError | undefined
  for (const [index, proposal] of proposals.entries()) {
    const { agentId, bindingId } = proposal.lease
    if (parts.leases.byBinding(bindingId) === undefined) {
      refusal ??= new GatewayError('provider_not_admitted', 'no verified node has that binding now')
      continue
    }
    if (!parts.health.isOpenFor(agentId)) {
      refusal ??= unavailable('the node failed a moment ago')
      continue
    }
    let attempt: Attempt
    try {
      attempt = await proposal.authorise()
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      refusal ??= error
      continue
    }
    // Signing may have taken a while: what was signed for a lease that has ended is sent to nobody.
    if (parts.leases.byBinding(bindingId) === undefined) {
      attempt.reserved?.released()
      refusal ??= new GatewayError('provider_not_admitted', 'no verified node has that binding now')
      continue
    }
    const sent = await ask(prompt, attempt, index < proposals.length - 1, parts)
    if (sent !== undefined) return sent
  }
  throw refusal ?? unavailable('the node did not answer')
}

/** The answer of one candidate; undefined when another is to be asked. */
async function ask(
  prompt: IncomingPrompt,
  attempt: Attempt,
  hasNext: boolean,
  parts: SendParts,
): Promise<SentPrompt | undefined> {
  const { health, leases, onRetry } = parts
  const { agentId, bindingId, tlsKeys } = attempt.lease
  let wasStale = false
  // A node that had the prompt may have signed for it, whatever became of its answer on the way.
  let mayBeCharged = false
  const release = (): void => {
    if (!mayBeCharged) attempt.reserved?.released()
  }
  for (let retry = 0; ; retry++) {
    if (prompt.signal.aborted) {
      release()
      throw unavailable('the caller left')
    }
    // It may have been waited for.
    if (retry > 0 && leases.byBinding(bindingId) === undefined) {
      release()
      if (hasNext) return undefined
      throw new GatewayError('provider_not_admitted', 'no verified node has that binding now')
    }
    const askedAtMs = performance.now()
    health.began(agentId)
    const answer = await send(prompt, attempt, hasNext, parts).catch((error: unknown) => {
      if (isUnsent(error)) release()
      else mayBeCharged = true
      // A caller who hangs up says nothing about the node: a stranger must not switch it off (attack F15).
      if (prompt.signal.aborted) {
        health.left(agentId)
        throw unavailable('the caller left')
      }
      return { error }
    })
    if ('error' in answer) {
      if (!wasStale && isStale(answer.error)) {
        wasStale = true
        health.left(agentId)
        onRetry('stale')
        continue
      }
      health.failed(agentId)
      // Whoever cannot be reached has perhaps been started anew, with other keys: evidence brings it back.
      if (!isLate(answer.error)) leases.end(bindingId)
      onRetry('failed')
      return undefined
    }
    const { status, body } = answer
    // A refusal is the node's own word only where TLS ends in it; any other front can turn an answer into one.
    if (tlsKeys.length === 0) mayBeCharged = true
    // Asked twice because of a broken connection, and the first did arrive: its answer went nowhere.
    const isLost = wasStale && status === 409
    if (status < 200 || status > 599 || NO_BODY.includes(status) || isLost) {
      body.destroy()
      health.failed(agentId)
      if (!isLost) leases.end(bindingId)
      onRetry('failed')
      return undefined
    }
    const waitMs = hasNext ? undefined : waitBefore(answer, retry)
    if (!(FAILOVER.includes(status) && hasNext) && waitMs === undefined) {
      if (status < 500) health.answered(agentId, performance.now() - askedAtMs)
      if (status > 299) release()
      else leases.cite(attempt.lease)
      return { attempt, answer, askedAtMs }
    }
    body.destroy()
    if (status >= 500) health.failed(agentId)
    else health.left(agentId)
    onRetry('refused')
    if (waitMs === undefined) {
      release()
      return undefined
    }
    await pause(waitMs, prompt.signal)
  }
}

async function send(
  prompt: IncomingPrompt,
  { offer, lease, body: own }: Attempt,
  hasNext: boolean,
  { connection, failoverAfterMs }: SendParts,
): Promise<ProviderAnswer> {
  const { path, headers, body, signal } = prompt
  const patience = hasNext ? limited(signal, failoverAfterMs) : undefined
  try {
    return await connection.send(lease.endpoint, {
      method: 'POST',
      path,
      headers: requestHeaders(headers, offer.text),
      body: own ?? body,
      signal: patience?.signal ?? signal,
      tlsKeys: lease.tlsKeys,
    })
  } finally {
    patience?.begun()
  }
}

/** A signal that ends with the caller's, or when nothing has begun in time. */
function limited(
  caller: EndSignal,
  ms: number,
): { readonly signal: EndSignal; readonly begun: () => void } {
  const signal = new Leaving()
  caller.addEventListener('abort', () => signal.abort(new Error('the caller left')))
  const timer = setTimeout(() => signal.abort(new LateError('node: no answer in time')), ms)
  return { signal, begun: () => clearTimeout(timer) }
}

/** A node said nothing for too long; that it cannot be reached is another thing. */
class LateError extends Error {
  override readonly name = 'LateError'
}

/** Waits, no longer than the caller does. */
function pause(ms: number, caller: EndSignal): Promise<void> {
  return new Promise((resolve) => {
    if (caller.aborted) return resolve()
    const timer = setTimeout(resolve, ms)
    caller.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}

/** How long to wait before the same node is asked again; undefined when it is not. With jitter, so that no crowd forms. */
function waitBefore({ status, headers }: ProviderAnswer, retry: number): number | undefined {
  if (!UNUSED.includes(status) || retry >= MAX_RETRIES) return undefined
  const stated = headers['retry-after']
  const seconds = stated === undefined ? undefined : Number(stated)
  const waitMs = seconds === undefined ? FIRST_WAIT_MS * 2 ** retry : seconds * 1000
  if (!Number.isFinite(waitMs) || waitMs > MAX_WAIT_MS) return undefined
  return waitMs + Math.random() * FIRST_WAIT_MS
}

/** No byte of a prompt leaves before there is a connection. */
function isUnsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && UNSENT.includes(String(error.code))
}

function isStale(error: unknown): boolean {
  return error instanceof Error && 'code' in error && STALE.includes(String(error.code))
}

function isLate(error: unknown): boolean {
  return error instanceof LateError
}

function unavailable(text: string): GatewayError {
  return new GatewayError('provider_unavailable', text, { retryAfterS: 1 })
}
