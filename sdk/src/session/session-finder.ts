import { objectionToGpus } from '@jeju/contracts'
import type { OnSdkEvent } from '../events/sdk-event.ts'
import type { Refusal } from '../errors/not-verified.ts'
import { SdkError } from '../errors/sdk-error.ts'
import type { ProviderHint } from '../gateway/provider-hints.ts'
import { findCandidates, type Candidate } from './candidates.ts'
import { SessionCache, type VerifiedSession } from './session-cache.ts'
import { verifyProvider, type ProviderVerification } from './verify-provider.ts'

/** More candidates than this are not verified for one request. */
const MAX_VERIFICATIONS = 8

/** What came of the candidates that were no use, for the error when none is left. */
export interface Misses {
  readonly refusals: Refusal[]
  readonly unavailable: bigint[]
}

/** Verified sessions of a model: those that are live, then newly verified candidates one by one. */
export class SessionFinder {
  readonly #cache = new SessionCache()
  readonly #pending = new Map<string, Promise<VerifiedSession | Refusal | undefined>>()
  readonly #by: ProviderVerification
  readonly #hints: () => Promise<readonly ProviderHint[]>
  readonly #sessionMs: number
  readonly #onEvent: OnSdkEvent

  constructor(options: {
    readonly by: ProviderVerification
    readonly hints: () => Promise<readonly ProviderHint[]>
    readonly sessionMs: number
    readonly onEvent: OnSdkEvent
  }) {
    this.#by = options.by
    this.#hints = options.hints
    this.#sessionMs = options.sessionMs
    this.#onEvent = options.onEvent
  }

  /** Sessions to try, best first. Verification happens only when the one before was no use. */
  async *sessions(model: string, misses: Misses): AsyncGenerator<VerifiedSession, void> {
    const tried = new Set<string>()
    for (const session of this.#cache.live(model, this.#by.now().getTime())) {
      if (!(await this.#stillBound(session))) continue
      tried.add(nameOf(session.candidate))
      yield session
    }
    const candidates = await findCandidates(model, await this.#hints(), this.#by.chain)
    const fresh = candidates.filter((candidate) => !tried.has(nameOf(candidate)))
    for (const candidate of fresh.slice(0, MAX_VERIFICATIONS)) {
      const session = await this.#verifyOnce(candidate, misses)
      if (session !== undefined) yield session
    }
  }

  /** Ends a session that failed; its provider has to prove itself again. */
  end(session: VerifiedSession): void {
    this.#cache.end(session)
  }

  /**
   * A new endpoint, owner or revocation ends every binding on chain, and GPUs that went to another binding are not sold
   * here any more; read before each request (attacks D7, F2, F3).
   */
  async #stillBound(session: VerifiedSession): Promise<boolean> {
    const { claims, tier } = session
    const binding = await this.#by.chain.binding(claims.bindingId)
    const hasLostGpus = claims.gpu !== undefined && objectionToGpus(binding, tier) !== undefined
    const holds = binding.valid && !hasLostGpus
    if (!holds) this.#cache.end(session)
    return holds
  }

  async #verifyOnce(candidate: Candidate, misses: Misses): Promise<VerifiedSession | undefined> {
    const name = nameOf(candidate)
    const pending = this.#pending.get(name) ?? this.#verify(candidate)
    this.#pending.set(name, pending)
    try {
      const result = await pending
      if (result === undefined) misses.unavailable.push(candidate.agentId)
      else if ('reasons' in result) misses.refusals.push(result)
      else return result
      return undefined
    } finally {
      this.#pending.delete(name)
    }
  }

  async #verify(candidate: Candidate): Promise<VerifiedSession | Refusal | undefined> {
    const { agentId } = candidate
    try {
      // Taken before the evidence is asked for, so that a slow answer shortens the session.
      const expiresAt = this.#by.now().getTime() + this.#sessionMs
      const judgement = await verifyProvider(candidate, this.#by)
      if (judgement.outcome === 'refused') {
        const { checks, reasons } = judgement
        const refusal = { agentId, checks, reasons }
        this.#onEvent({ type: 'provider-refused', agentId, refusal })
        return refusal
      }
      const { tier, claims, report, onChain, proof } = judgement
      this.#onEvent({ type: 'provider-verified', agentId, tier, claims, report, onChain })
      const session = { candidate, tier, claims, proof, expiresAt }
      this.#cache.add(session)
      return session
    } catch (error) {
      if (!(error instanceof SdkError) || error.code !== 'PROVIDER_UNAVAILABLE') throw error
      this.#onEvent({ type: 'provider-unavailable', agentId, reason: error.message })
      return undefined
    }
  }
}

function nameOf({ agentId, serviceId }: Candidate): string {
  return `${agentId}/${serviceId}`
}
