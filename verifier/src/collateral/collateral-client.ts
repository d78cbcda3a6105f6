import type { QuoteCollateral } from '../tdx/collateral/quote-collateral.ts'
import { CollateralFetchError } from './collateral-fetch-error.ts'

/** Intel's Provisioning Certification Service. It sends no CORS headers: browsers go through a PCCS. */
export const INTEL_PCS_URL = 'https://api.trustedservices.intel.com'
/** Where Intel publishes the list of the root, at any version of its service. */
export const INTEL_ROOT_CRL_URL =
  'https://certificates.trustedservices.intel.com/IntelSGXRootCA.der'

/** Which issue of TCB info and QE identity: `standard` lags `early` by months; a number is one exactly. */
export type CollateralUpdate = 'standard' | 'early' | { readonly tcbEvaluationDataNumber: number }

/** What collateral depends on; both stand in the quote's PCK certificate. */
export interface CollateralRequest {
  /** 12 hex digits. */
  readonly fmspc: string
  /** The CA that issued the PCK certificate. */
  readonly ca: 'platform' | 'processor'
}

/** Settings of a client. */
export interface CollateralClientOptions {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  /** PCS or PCCS, version 4: https, or http on loopback. Intel's PCS by default. */
  readonly baseUrl?: string
  /** By default Intel's list with Intel's PCS, and the `rootcacrl` of any other. */
  readonly rootCrlUrl?: string
  /** `standard` by default. */
  readonly update?: CollateralUpdate
  readonly now: () => Date
  /** For each request with its body; 10 s by default. */
  readonly timeoutMs?: number
  /** Most bundles kept; 64 by default. */
  readonly maxEntries?: number
  /** Told of a refresh that failed while the bundle before it is still served. */
  readonly onRefreshFailure?: (error: CollateralFetchError, request: CollateralRequest) => void
}

/** Fetches collateral and keeps it while it is in force. What it returns is not judged yet. */
export interface CollateralClient {
  /** @throws CollateralFetchError */
  collateralFor(request: CollateralRequest): Promise<QuoteCollateral>
}

/** A client of one service and one channel. @throws CollateralFetchError `FETCH_OPTIONS_INVALID` */
export function createCollateralClient(options: CollateralClientOptions): CollateralClient {
  return {
    collateralFor: ({ fmspc }) =>
      Promise.reject(
        new CollateralFetchError('FETCH_FAILED', `${options.baseUrl ?? INTEL_PCS_URL}: ${fmspc}`),
      ),
  }
}
