import type { CollateralRequest } from '../collateral-request.ts'
import type { QuoteCollateral } from '../tdx/collateral/quote-collateral.ts'
import { CollateralFetchError } from './collateral-fetch-error.ts'
import { fetchAnswer, type Fetch } from './fetch-answer.ts'
import {
  fetchCrl,
  fetchDocument,
  type AskUrl,
  type DocumentKind,
  type FetchedDocument,
} from './fetch-part.ts'
import { readIssuerChain } from './issuer-chain.ts'
import type { Fetched } from './kept-fetches.ts'
import type { CollateralUpdate, Service } from './service.ts'
import { dateDocument } from './vintage.ts'

const TCB_INFO: DocumentKind = {
  member: 'tcbInfo',
  chainHeaders: ['TCB-Info-Issuer-Chain', 'SGX-TCB-Info-Issuer-Chain'],
  date: dateDocument,
}
const QE_IDENTITY: DocumentKind = {
  member: 'enclaveIdentity',
  chainHeaders: ['SGX-Enclave-Identity-Issuer-Chain'],
  date: dateDocument,
}
const PCK_CRL_CHAIN = ['SGX-PCK-CRL-Issuer-Chain']

/** Whom to ask, and how. */
export interface AskedService {
  readonly fetch: Fetch
  readonly service: Service
}

/** Fetches all parts of a bundle: every one, of one evaluation data number, or none. @throws CollateralFetchError */
export async function fetchBundle(
  { fetch, service }: AskedService,
  { fmspc, ca }: CollateralRequest,
  update: CollateralUpdate,
  signal: AbortSignal,
): Promise<Fetched<QuoteCollateral>> {
  const ask: AskUrl = (url, maxBytes) => fetchAnswer(fetch, url, maxBytes, signal)
  const pckCrlUrl = service.pckCrlUrl(ca)
  const [rootCrl, pckCrl, [info, identity]] = await Promise.all([
    fetchCrl(ask, service.rootCrlUrl, 'root CRL'),
    fetchCrl(ask, pckCrlUrl, 'PCK CRL'),
    fetchPair(
      update,
      (which) => fetchTcbInfo(ask, service.tcbInfoUrl(fmspc, which), fmspc),
      (which) => fetchDocument(ask, service.qeIdentityUrl(which), QE_IDENTITY),
    ),
  ])
  const value = Object.freeze({
    pckCrlIssuerChain: readIssuerChain(pckCrl.headers, PCK_CRL_CHAIN, pckCrlUrl),
    rootCaCrl: rootCrl.der,
    pckCrl: pckCrl.der,
    tcbInfoIssuerChain: info.chain,
    tcbInfo: info.text,
    tcbInfoSignature: info.signature,
    qeIdentityIssuerChain: identity.chain,
    qeIdentity: identity.text,
    qeIdentitySignature: identity.signature,
  })
  return { value, parts: [rootCrl.dated, pckCrl.dated, info.dated, identity.dated] }
}

async function fetchTcbInfo(ask: AskUrl, url: string, fmspc: string): Promise<FetchedDocument> {
  const info = await fetchDocument(ask, url, TCB_INFO)
  if (info.dated.fmspc === fmspc) return info
  const message = `${url}: expected FMSPC ${fmspc}, got ${info.dated.fmspc ?? 'none'}`
  throw new CollateralFetchError('FETCH_BODY_INVALID', message)
}

type AskUpdate = (update: CollateralUpdate) => Promise<FetchedDocument>

/**
 * TCB info and QE identity of one number. While a channel moves on, it serves one of them before the other: the one
 * that lags is then asked for by the number of the other.
 */
async function fetchPair(
  update: CollateralUpdate,
  askInfo: AskUpdate,
  askIdentity: AskUpdate,
): Promise<readonly [FetchedDocument, FetchedDocument]> {
  const [info, identity] = await Promise.all([askInfo(update), askIdentity(update)])
  const wanted =
    typeof update === 'string'
      ? Math.max(info.dated.number, identity.dated.number)
      : update.tcbEvaluationDataNumber
  const again = async (document: FetchedDocument, ask: AskUpdate): Promise<FetchedDocument> => {
    if (document.dated.number === wanted) return document
    const other =
      typeof update === 'string' ? await ask({ tcbEvaluationDataNumber: wanted }) : document
    if (other.dated.number === wanted) return other
    const message = `${other.dated.name}: expected number ${wanted}, got ${other.dated.number}`
    throw new CollateralFetchError('FETCH_NUMBERS_DIFFER', message)
  }
  return Promise.all([again(info, askInfo), again(identity, askIdentity)])
}
