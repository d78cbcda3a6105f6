import { CollateralFetchError } from './collateral-fetch-error.ts'
import { withDeadline } from './fetch-answer.ts'
import {
  endOf,
  refreshTimeOf,
  requireInForce,
  requireNotOlder,
  type DatedDocument,
  type DatedPart,
} from './vintage.ts'

/** Whoever presents quotes chooses what is asked for, so there is an end to it. */
const MAX_FLIGHTS = 16
/** After a refresh that failed. */
const RETRY_MS = 60_000

/** Something as it came, with the dates its parts state of themselves. */
export interface Fetched<Value> {
  readonly value: Value
  readonly parts: readonly (DatedPart | DatedDocument)[]
}

/** How one of the values is come by. */
export interface FetchPlan<Value> {
  readonly fetch: (signal: AbortSignal) => Promise<Fetched<Value>>
  /** Told of a refresh that failed while the value before it is still served. */
  readonly onRefreshFailure: (error: CollateralFetchError) => void
}

/** Limits, and the clock. */
export interface KeptFetchesOptions {
  readonly now: () => Date
  readonly timeoutMs: number
  readonly maxEntries: number
}

/** Something that is served. Unix milliseconds. */
interface Kept<Value> extends Fetched<Value> {
  readonly ends: number
  /** When the next refresh is due. */
  refreshAt: number
}

/** Fetches what is asked for and keeps it while it is in force. */
export class KeptFetches<Value> {
  readonly #options: KeptFetchesOptions
  /** The most recently asked for last. */
  readonly #kept = new Map<string, Kept<Value>>()
  readonly #flights = new Map<string, Promise<Value>>()

  constructor(options: KeptFetchesOptions) {
    this.#options = options
  }

  /** @throws CollateralFetchError */
  async get(key: string, plan: FetchPlan<Value>): Promise<Value> {
    const now = this.#time()
    const kept = this.#kept.get(key)
    if (kept === undefined || now >= kept.ends) return this.#fetchOnce(key, plan)
    this.#keep(key, kept)
    if (now >= kept.refreshAt) this.#refresh(key, plan, kept, now)
    return kept.value
  }

  /** Nobody waits for it: the value before it serves until it ends. */
  #refresh(key: string, plan: FetchPlan<Value>, kept: Kept<Value>, now: number): void {
    kept.refreshAt = now + RETRY_MS
    this.#fetchOnce(key, plan).catch((error: unknown) => {
      if (error instanceof CollateralFetchError) plan.onRefreshFailure(error)
      else throw error
    })
  }

  /** One flight for all who ask at the same time. */
  #fetchOnce(key: string, plan: FetchPlan<Value>): Promise<Value> {
    const underWay = this.#flights.get(key)
    if (underWay !== undefined) return underWay
    if (this.#flights.size >= MAX_FLIGHTS) {
      const message = `expected at most ${MAX_FLIGHTS} fetches at a time`
      return Promise.reject(new CollateralFetchError('FETCH_BUSY', message))
    }
    const flight = this.#fetch(key, plan).finally(() => this.#flights.delete(key))
    this.#flights.set(key, flight)
    return flight
  }

  async #fetch(key: string, { fetch }: FetchPlan<Value>): Promise<Value> {
    const fetched = await withDeadline(this.#options.timeoutMs, fetch)
    const { parts, value } = fetched
    const now = this.#time()
    requireInForce(parts, now)
    const before = this.#kept.get(key)
    // Once it has ended there is nothing to hold on to: whatever is in force now was issued later.
    if (before !== undefined && now < before.ends) requireNotOlder(parts, before.parts)
    this.#keep(key, { ...fetched, ends: endOf(parts, now), refreshAt: refreshTimeOf(parts, now) })
    return value
  }

  #keep(key: string, kept: Kept<Value>): void {
    this.#kept.delete(key)
    this.#kept.set(key, kept)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > this.#options.maxEntries && oldest !== undefined) {
      this.#kept.delete(oldest)
    }
  }

  #time(): number {
    const now = this.#options.now().getTime()
    if (Number.isFinite(now)) return now
    throw new CollateralFetchError('FETCH_OPTIONS_INVALID', 'now: not a time')
  }
}
