import { objectionToGpus } from '@jeju/contracts'
import type { Preferences } from '@jeju/verifier/routing'
import type { OnSdkEvent } from '../events/sdk-event.ts'
import type { Refusal } from '../errors/not-verified.ts'
import { SdkError } from '../errors/sdk-error.ts'
import type { ProviderHint } from '../gateway/provider-hints.ts'
import { candidatesFor, readOffers, type Candidate, type Offer } from './candidates.ts'
import {
  agentsNamed,
  beforeEvidence,
  mayProveAnother,
  needsGateway,
  notAllowed,
  objectionToSession,
  sift,
  type GatewayOrder,
} from './preferred.ts'
import { SessionCache, type VerifiedSession } from './session-cache.ts'
import { verifyProvider, type ProviderVerification } from './verify-provider.ts'
import type { Wanted } from './wanted.ts'

/** More candidates than this are not verified for one request. */
const MAX_VERIFICATIONS = 8

/** What came of the candidates that were no use, for the error when none is left. */
export interface Misses {
  readonly refusals: Refusal[]
  readonly unavailable: bigint[]
  /** Of preferences that took a provider away. */
  readonly objections: SdkError[]
}

/** What the models of one prompt have in common. */
interface Search {
  readonly misses: Misses
  /** Looked for once. */
  readonly offers: () => Promise<readonly Offer[]>
  /** How many more may be made. */
  verifications: number
}

/** Where to look; beside what a gateway hints at, the agents that the caller names. */
type Hints = (named: readonly bigint[]) => Promise<readonly ProviderHint[]>

/** How a gateway orders the providers of a model. */
type GatewayRoute = (model: string, preferences: Preferences) => Promise<NonNullable<GatewayOrder>>

/** Verified sessions of a model: those that are live, then newly verified candidates one by one. */
export class SessionFinder {
  readonly #cache = new SessionCache()
  readonly #pending = new Map<string, Promise<VerifiedSession | Refusal | undefined>>()
  readonly #by: ProviderVerification
  readonly #hints: Hints
  readonly #route: GatewayRoute
  readonly #sessionMs: number
  readonly #onEvent: OnSdkEvent

  constructor(options: {
    readonly by: ProviderVerification
    readonly hints: Hints
    readonly route: GatewayRoute
    readonly sessionMs: number
    readonly onEvent: OnSdkEvent
  }) {
    this.#by = options.by
    this.#hints = options.hints
    this.#route = options.route
    this.#sessionMs = options.sessionMs
    this.#onEvent = options.onEvent
  }

  /**
   * Sessions to try, best first, a later model's when nobody of an earlier one is left. Verification happens only when
   * the one before was no use.
   */
  async *sessions(
    { models, preferences }: Wanted,
    misses: Misses,
  ): AsyncGenerator<VerifiedSession, void> {
    const { provider, min_tier } = preferences
    const { allow_fallbacks: mayFallBack, order } = provider ?? {}
    const isPlain = provider === undefined && min_tier === undefined
    const { chain } = this.#by
    const early = await beforeEvidence(preferences, chain)
    const offers = memo(async () => readOffers(await this.#hints(agentsNamed(early)), chain))
    const once: Search = { misses, offers, verifications: MAX_VERIFICATIONS }
    for (const model of models) {
      const found = isPlain
        ? this.#ofModel(model, once)
        : this.#preferred(model, preferences, early, once)
      for await (const session of found) {
        yield session
        // As a gateway has it: the primary one alone, or whom `order` names.
        if (mayFallBack === false && order === undefined) return
      }
    }
  }

  async *#ofModel(model: string, once: Search): AsyncGenerator<VerifiedSession, void> {
    const tried = new Set<string>()
    for (const session of this.#live(model)) {
      if (!(await this.#stillBound(session))) continue
      tried.add(nameOf(session.candidate))
      yield session
    }
    const candidates = await candidatesFor(model, await once.offers(), this.#by.chain)
    for (const candidate of candidates.filter((one) => !tried.has(nameOf(one)))) {
      const session = await this.#verifyOnce(candidate, once)
      if (session !== undefined) yield session
    }
  }

  /**
   * The same within preferences. Only facts of the chain and of verified evidence allow a provider; what the gateway
   * says can leave one out, and says who comes first where the chain cannot (attack F1).
   */
  async *#preferred(
    model: string,
    preferences: Preferences,
    early: Preferences,
    once: Search,
  ): AsyncGenerator<VerifiedSession, void> {
    const candidates = await candidatesFor(model, await once.offers(), this.#by.chain)
    const live = new Map(this.#live(model).map((session) => [nameOf(session.candidate), session]))
    const { left, objections } = sift(candidates, early, {
      gateway: needsGateway(preferences) ? await this.#route(model, preferences) : undefined,
      isLive: (candidate) => live.has(nameOf(candidate)),
    })
    once.misses.objections.push(...objections.map(notAllowed))
    for (const candidate of left) {
      const known = live.get(nameOf(candidate))
      const isUsable =
        known !== undefined &&
        !mayProveAnother(known, preferences) &&
        (await this.#stillBound(known))
      const session = isUsable ? known : await this.#verifyOnce(candidate, once)
      if (session === undefined) continue
      const objection = objectionToSession(session, preferences)
      if (objection === undefined) yield session
      else once.misses.objections.push(notAllowed(objection))
    }
  }

  #live(model: string): readonly VerifiedSession[] {
    return this.#cache.live(model, this.#by.now().getTime())
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

  async #verifyOnce(candidate: Candidate, once: Search): Promise<VerifiedSession | undefined> {
    if (once.verifications-- <= 0) return undefined
    const { misses } = once
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

/** Calls at most once. */
function memo<Value>(call: () => Promise<Value>): () => Promise<Value> {
  let value: Promise<Value> | undefined
  return () => (value ??= call())
}
