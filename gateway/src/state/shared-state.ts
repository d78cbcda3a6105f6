import type { Hex } from '@jeju/verifier/protocol'

/** Evidence that a replica asked a node for, so that others need not ask again; public, and believed by nobody unread. */
export interface SharedEvidence {
  readonly agentId: bigint
  /** Unix milliseconds at which the nonce was drawn. */
  readonly askedAtMs: number
  /** What the nonce was derived from beside that, 32 bytes. */
  readonly salt: Hex
  readonly evidence: Uint8Array<ArrayBuffer>
}

/** An amount that an account wants to spend on a day. */
export interface Spending {
  readonly account: string
  /** Smallest units of whatever the account counts in. */
  readonly amount: bigint
  /** What the account may spend in one day (UTC), {@link MAX_BUDGET} at most. */
  readonly limit: bigint
  readonly at: Date
}

/** Whether a request of a wallet may begin. */
export type Entrance =
  | { readonly entered: true; readonly leave: () => void }
  | { readonly entered: false; readonly because: 'rate' | 'concurrency'; readonly waitMs: number }

/** How much one wallet may ask of all replicas together. */
export interface WalletLimit {
  /** Requests that may begin in a minute, and at once after a pause. */
  readonly requestsPerMinute: number
  /** Requests under way. */
  readonly concurrent: number
}

/** Largest amount that is counted: what a signed 64-bit integer holds. */
export const MAX_BUDGET: bigint = 2n ** 63n - 1n

/** The shared store cannot be asked. What money depends on is refused then; nothing else has to be. */
export class StateError extends Error {
  override readonly name = 'StateError'
  readonly code = 'STATE_UNAVAILABLE'
}

/**
 * What replicas of one gateway have in common: this process alone has it, or a server does. Holds no prompt, no answer,
 * no key and nothing that authorises. Every call may reject with a {@link StateError}.
 */
export interface SharedState {
  readonly evidence: {
    publish(shared: SharedEvidence): Promise<void>
    /** The latest of an agent, as whoever can write to the store says; undefined where there is none that can be read. */
    find(agentId: bigint): Promise<SharedEvidence | undefined>
  }
  readonly distrusted: {
    put(bindingId: Hex, untilMs: number): Promise<void>
    /** Bindings and until when, Unix milliseconds. */
    all(): Promise<ReadonlyMap<Hex, number>>
  }
  /** Counts a request of a wallet. */
  enter(wallet: string): Promise<Entrance>
  readonly budgets: {
    /** Takes the amount where it still fits into the day's limit, all or nothing. Kept when whoever took it dies. */
    reserve(spending: Spending): Promise<boolean>
    /** What was reserved on that day and not spent after all. */
    giveBack(spending: Pick<Spending, 'account' | 'amount' | 'at'>): Promise<void>
  }
  /** Does a work while no other replica does one of that name; rejects without doing it where it does not come to it. */
  alone<Value>(name: string, work: () => Promise<Value>): Promise<Value>
  /** Whether a name is used for the first time; it is remembered until then at least. */
  once(name: string, untilMs: number): Promise<boolean>
  close(): Promise<void>
}

/** Day of a budget. */
export function dayOf(at: Date): string {
  return at.toISOString().slice(0, 10)
}
