import type { CollateralRequest, CollateralSource } from '../collateral-request.ts'
import type { QuoteCollateral } from '../tdx/collateral/quote-collateral.ts'
import type { SignedEvaluationNumbers } from '../tdx/verify-evaluation-numbers.ts'
import { CollateralFetchError } from './collateral-fetch-error.ts'
import type { Fetch } from './fetch-answer.ts'
import { fetchBundle, type AskedService } from './fetch-bundle.ts'
import { fetchEvaluationNumbers } from './fetch-evaluation-numbers.ts'
import { KeptFetches } from './kept-fetches.ts'
import { serviceAt, updateQuery, type CollateralUpdate } from './service.ts'

const DEFAULT_TIMEOUT_MS = 15_000
const DEFAULT_MAX_ENTRIES = 64
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
  /** Told of a refresh that failed while what came before it is still served; without a request for evaluation numbers. */
  readonly onRefreshFailure?: (
    error: CollateralFetchError,
    request: CollateralRequest | undefined,
  ) => void
}

/** Fetches collateral and keeps it while it is in force. What it returns is not judged yet. */
export interface CollateralClient extends CollateralSource {
  /** The issue is that of the options unless another is named. @throws CollateralFetchError */
  collateralFor(request: CollateralRequest, update?: CollateralUpdate): Promise<QuoteCollateral>
  /** Intel's list of evaluation data numbers, for `verifyEvaluationNumbers`. @throws CollateralFetchError */
  evaluationNumbers(): Promise<SignedEvaluationNumbers>
}

/** A client of one service and one channel. @throws CollateralFetchError `FETCH_OPTIONS_INVALID` */
export function createCollateralClient(options: CollateralClientOptions): CollateralClient {
  return new CachingClient(options)
}

/** The fetches of one service; the channel is the client's unless a request names another issue. */
class CachingClient implements CollateralClient {
  readonly #asked: AskedService
  readonly #update: CollateralUpdate
  readonly #bundles: KeptFetches<QuoteCollateral>
  readonly #numbers: KeptFetches<SignedEvaluationNumbers>
  readonly #onRefreshFailure: CollateralClientOptions['onRefreshFailure']

  constructor(options: CollateralClientOptions) {
    const { fetch, now, update = 'standard' } = options
    // Called without a receiver: a browser's own `fetch` takes no other.
    this.#asked = { fetch, service: serviceAt(options.baseUrl, options.rootCrlUrl) }
    this.#update = checkedUpdate(update)
    const timeoutMs = within(options.timeoutMs ?? DEFAULT_TIMEOUT_MS, MAX_TIMEOUT_MS, 'timeoutMs')
    const maxEntries = within(options.maxEntries ?? DEFAULT_MAX_ENTRIES, 0xffff, 'maxEntries')
    this.#bundles = new KeptFetches({ now, timeoutMs, maxEntries })
    this.#numbers = new KeptFetches({ now, timeoutMs, maxEntries: 1 })
    this.#onRefreshFailure = options.onRefreshFailure
  }

  async collateralFor(
    asked: CollateralRequest,
    issue: CollateralUpdate = this.#update,
  ): Promise<QuoteCollateral> {
    const request = checkedRequest(asked)
    const update = checkedUpdate(issue)
    return this.#bundles.get(`${request.ca} ${request.fmspc} ${updateQuery(update)}`, {
      fetch: (signal) => fetchBundle(this.#asked, request, update, signal),
      onRefreshFailure: (error) => this.#onRefreshFailure?.(error, request),
    })
  }

  async evaluationNumbers(): Promise<SignedEvaluationNumbers> {
    return this.#numbers.get('evaluation numbers', {
      fetch: (signal) => fetchEvaluationNumbers(this.#asked, signal),
      onRefreshFailure: (error) => this.#onRefreshFailure?.(error, undefined),
    })
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
