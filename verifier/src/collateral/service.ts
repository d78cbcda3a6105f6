import type { CollateralRequest } from '../collateral-request.ts'
import { CollateralFetchError } from './collateral-fetch-error.ts'

/** Intel's Provisioning Certification Service. It sends no CORS headers: browsers go through a PCCS. */
export const INTEL_PCS_URL = 'https://api.trustedservices.intel.com'
/** Where Intel publishes the list of the root, at any version of its service. */
const INTEL_ROOT_CRL_URL = 'https://certificates.trustedservices.intel.com/IntelSGXRootCA.der'

/** Which issue of TCB info and QE identity: `standard` lags `early` by months; a number is one exactly. */
export type CollateralUpdate = 'standard' | 'early' | { readonly tcbEvaluationDataNumber: number }

/** The addresses of one service (Intel PCS API v4). Only these are ever asked. */
export interface Service {
  readonly rootCrlUrl: string
  pckCrlUrl(ca: CollateralRequest['ca']): string
  tcbInfoUrl(fmspc: string, update: CollateralUpdate): string
  qeIdentityUrl(update: CollateralUpdate): string
  readonly evaluationNumbersUrl: string
}

/** The service at a base URL. @throws CollateralFetchError `FETCH_OPTIONS_INVALID` */
export function serviceAt(baseUrl: string = INTEL_PCS_URL, rootCrlUrl?: string): Service {
  const base = safeUrl(baseUrl, 'baseUrl')
  if (base.search !== '') throw invalid('baseUrl', 'no query')
  const prefix = base.href.replace(/\/+$/, '')
  const ownRootCrl =
    prefix === INTEL_PCS_URL ? INTEL_ROOT_CRL_URL : `${prefix}/sgx/certification/v4/rootcacrl`
  return {
    rootCrlUrl: safeUrl(rootCrlUrl ?? ownRootCrl, 'rootCrlUrl').href,
    pckCrlUrl: (ca) => `${prefix}/sgx/certification/v4/pckcrl?ca=${ca}&encoding=der`,
    tcbInfoUrl: (fmspc, update) =>
      `${prefix}/tdx/certification/v4/tcb?fmspc=${fmspc}&${updateQuery(update)}`,
    qeIdentityUrl: (update) => `${prefix}/tdx/certification/v4/qe/identity?${updateQuery(update)}`,
    evaluationNumbersUrl: `${prefix}/tdx/certification/v4/tcbevaluationdatanumbers`,
  }
}

/** Origins that a client of the service at this base URL asks; no other. @throws CollateralFetchError `FETCH_OPTIONS_INVALID` */
export function collateralOrigins(baseUrl?: string, rootCrlUrl?: string): readonly string[] {
  const service = serviceAt(baseUrl, rootCrlUrl)
  const urls = [service.evaluationNumbersUrl, service.rootCrlUrl]
  return [...new Set(urls.map((url) => new URL(url).origin))]
}

/** The query that asks for an issue. */
export function updateQuery(update: CollateralUpdate): string {
  return typeof update === 'string'
    ? `update=${update}`
    : `tcbEvaluationDataNumber=${update.tcbEvaluationDataNumber}`
}

/** https, or http on loopback, without a name and password that would be sent along. */
export function safeUrl(text: string, option: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isLoopback = /^(localhost|127\.0\.0\.1|\[::1\])$/.test(url?.hostname ?? '')
  if (url?.protocol !== 'https:' && !(url?.protocol === 'http:' && isLoopback)) {
    throw invalid(option, 'https, or http on loopback')
  }
  if (url.username !== '' || url.password !== '' || url.hash !== '') {
    throw invalid(option, 'no user, password or fragment')
  }
  return url
}

function invalid(option: string, expected: string): CollateralFetchError {
  return new CollateralFetchError('FETCH_OPTIONS_INVALID', `${option}: expected ${expected}`)
}
