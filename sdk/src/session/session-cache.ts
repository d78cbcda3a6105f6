import type { NodeClaims, Tier } from '@jeju/verifier'
import type { EvidenceRecord } from '../receipts/evidence-record.ts'
import type { Candidate } from './candidates.ts'

/** Longest time a verification may be relied on (attack F2). */
export const MAX_SESSION_MS: number = 10 * 60 * 1000

const MAX_SESSIONS = 64

/** A verified provider, to be used until `expiresAt` and no longer. */
export interface VerifiedSession {
  readonly candidate: Candidate
  /** Of the verdict. */
  readonly tier: Tier
  readonly claims: NodeClaims
  /** What the claims rest on. */
  readonly proof: EvidenceRecord
  /** Unix milliseconds. */
  readonly expiresAt: number
}

/** Verified sessions by agent and service; bounded, and emptied by time and by failure. */
export class SessionCache {
  readonly #sessions = new Map<string, VerifiedSession>()

  /** Sessions of a model that are live at `now`, in the order they were verified. */
  live(model: string, now: number): readonly VerifiedSession[] {
    for (const [key, session] of this.#sessions) {
      if (session.expiresAt <= now) this.#sessions.delete(key)
    }
    return [...this.#sessions.values()].filter(({ candidate }) => candidate.model === model)
  }

  add(session: VerifiedSession): void {
    const key = keyOf(session.candidate)
    this.#sessions.delete(key)
    const [oldest] = this.#sessions.keys()
    if (this.#sessions.size >= MAX_SESSIONS && oldest !== undefined) this.#sessions.delete(oldest)
    this.#sessions.set(key, session)
  }

  /** Ends a session; a later one of the same provider stays. */
  end(session: VerifiedSession): void {
    const key = keyOf(session.candidate)
    if (this.#sessions.get(key) === session) this.#sessions.delete(key)
  }
}

function keyOf({ agentId, serviceId, model }: Candidate): string {
  return `${agentId}/${serviceId}/${model}`
}
