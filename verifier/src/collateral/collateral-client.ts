import type { CollateralRequest, CollateralSource } from '../collateral-request.ts'
import type { QuoteCollateral } from '../tdx/collateral/quote-collateral.ts'
import { CollateralFetchError } from './collateral-fetch-error.ts'
import { withDeadline, type Fetch } from './fetch-answer.ts'
import { fetchBundle, type BundleSource, type FetchedBundle } from './fetch-bundle.ts'
import { serviceAt, type CollateralUpdate } from './service.ts'
import { endOf, refreshTimeOf, requireInForce, requireNotOlder } from './vintage.ts'

const DEFAULT_TIMEOUT_MS = 15_000
const DEFAULT_MAX_ENTRIES = 64
/** Whoever presents quotes chooses what is asked for, so there is an end to it. */
const MAX_FLIGHTS = 16
/** After a refresh that failed. */
const RETRY_MS = 60_000
/** `setTimeout` takes no more. */
const MAX_TIMEOUT_MS = 0x7fff_ffff
const MAX_EVALUATION_NUMBER = 0xffff_ffff

/** Settings of a client. */
export interface CollateralClientOptions {
  readonly fetch: Fetch
  /** PCS or PCCS, version 4: https, or http on loopback. Intel's PCS by default. */
  readonly baseUrl?: string
  /** By default Intel's list with Intel's PCS, and the `rootcacrl` of any other. */
  readonly rootCrlUrl?: string
  /** `standard` by default. */
  readonly update?: CollateralUpdate
  readonly now: () => Date
  /** For a whole bundle; 15 s by default. */
  readonly timeoutMs?: number
  /** Most bundles kept; 64 by default. */
  readonly maxEntries?: number
  /** Told of a refresh that failed while the bundle before it is still served. */
  readonly onRefreshFailure?: (error: CollateralFetchError, request: CollateralRequest) => void
}

/** Fetches collateral and keeps it while it is in force. What it returns is not judged yet. */
export interface CollateralClient extends CollateralSource {
  /** @throws CollateralFetchError */
  collateralFor(request: CollateralRequest): Promise<QuoteCollateral>
}

/** A client of one service and one channel. @throws CollateralFetchError `FETCH_OPTIONS_INVALID` */
export function createCollateralClient(options: CollateralClientOptions): CollateralClient {
  return new CachingClient(options)
}

/** A bundle that is served. Unix milliseconds. */
interface Kept extends FetchedBundle {
  readonly ends: number
  /** When the next refresh is due. */
  refreshAt: number
}

/** Keeps whole bundles by FMSPC and CA; service and channel are the client's. */
class CachingClient implements CollateralClient {
  readonly #source: BundleSource
  readonly #now: () => Date
  readonly #timeoutMs: number
  readonly #maxEntries: number
  readonly #onRefreshFailure: CollateralClientOptions['onRefreshFailure']
  /** The most recently asked for last. */
  readonly #kept = new Map<string, Kept>()
  readonly #flights = new Map<string, Promise<QuoteCollateral>>()

  constructor(options: CollateralClientOptions) {
    const { fetch, update = 'standard' } = options
    this.#source = {
      // Called without a receiver: a browser's own `fetch` takes no other.
      fetch,
      service: serviceAt(options.baseUrl, options.rootCrlUrl),
      update: checkedUpdate(update),
    }
    this.#now = options.now
    this.#timeoutMs = within(options.timeoutMs ?? DEFAULT_TIMEOUT_MS, MAX_TIMEOUT_MS, 'timeoutMs')
    this.#maxEntries = within(options.maxEntries ?? DEFAULT_MAX_ENTRIES, 0xffff, 'maxEntries')
    this.#onRefreshFailure = options.onRefreshFailure
  }

  async collateralFor(asked: CollateralRequest): Promise<QuoteCollateral> {
    const request = checkedRequest(asked)
    const key = `${request.ca} ${request.fmspc}`
    const now = this.#time()
    const kept = this.#kept.get(key)
    if (kept === undefined || now >= kept.ends) return this.#fetchOnce(key, request)
    this.#keep(key, kept)
    if (now >= kept.refreshAt) this.#refresh(key, request, kept, now)
    return kept.collateral
  }

  /** Nobody waits for it: the bundle before it serves until it ends. */
  #refresh(key: string, request: CollateralRequest, kept: Kept, now: number): void {
    kept.refreshAt = now + RETRY_MS
    this.#fetchOnce(key, request).catch((error: unknown) => {
      if (error instanceof CollateralFetchError) this.#onRefreshFailure?.(error, request)
      else throw error
    })
  }

  /** One flight for all who ask at the same time. */
  #fetchOnce(key: string, request: CollateralRequest): Promise<QuoteCollateral> {
    const underWay = this.#flights.get(key)
    if (underWay !== undefined) return underWay
    if (this.#flights.size >= MAX_FLIGHTS) {
      const message = `expected at most ${MAX_FLIGHTS} fetches at a time`
      return Promise.reject(new CollateralFetchError('FETCH_BUSY', message))
    }
    const flight = this.#fetch(key, request).finally(() => this.#flights.delete(key))
    this.#flights.set(key, flight)
    return flight
  }

  async #fetch(key: string, request: CollateralRequest): Promise<QuoteCollateral> {
    const bundle = await withDeadline(this.#timeoutMs, (signal) =>
      fetchBundle(this.#source, request, signal),
    )
    const now = this.#time()
    requireInForce(bundle.parts, now)
    const before = this.#kept.get(key)
    // Once it has ended there is nothing to hold on to: whatever is in force now was issued later.
    if (before !== undefined && now < before.ends) requireNotOlder(bundle.parts, before.parts)
    const { parts } = bundle
    this.#keep(key, { ...bundle, ends: endOf(parts, now), refreshAt: refreshTimeOf(parts, now) })
    return bundle.collateral
  }

  #keep(key: string, kept: Kept): void {
    this.#kept.delete(key)
    this.#kept.set(key, kept)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > this.#maxEntries && oldest !== undefined) this.#kept.delete(oldest)
  }

  #time(): number {
    const now = this.#now().getTime()
    if (Number.isFinite(now)) return now
    throw new CollateralFetchError('FETCH_OPTIONS_INVALID', 'now: not a time')
  }
}

function checkedRequest({ fmspc, ca }: CollateralRequest): CollateralRequest {
  if (typeof fmspc !== 'string' || !/^[0-9a-fA-F]{12}$/.test(fmspc)) {
    throw new CollateralFetchError('FETCH_REQUEST_INVALID', 'fmspc: expected 12 hex digits')
  }
  if (ca !== 'platform' && ca !== 'processor') {
    throw new CollateralFetchError('FETCH_REQUEST_INVALID', 'ca: expected platform or processor')
  }
  return { fmspc: fmspc.toLowerCase(), ca }
}

function checkedUpdate(update: CollateralUpdate): CollateralUpdate {
  if (update === 'standard' || update === 'early') return update
  const { tcbEvaluationDataNumber } = update
  const name = 'update.tcbEvaluationDataNumber'
  within(tcbEvaluationDataNumber, MAX_EVALUATION_NUMBER, name)
  return { tcbEvaluationDataNumber }
}

function within(value: number, max: number, name: string): number {
  if (Number.isInteger(value) && value >= 1 && value <= max) return value
  const message = `${name}: expected an integer from 1 to ${max}`
  throw new CollateralFetchError('FETCH_OPTIONS_INVALID', message)
}
