import { fromBareHex } from '../bytes/hex.ts'
import { MAX_DOCUMENT_CHARACTERS } from '../tdx/collateral/document.ts'
import { MAX_CRL_BYTES, type QuoteCollateral } from '../tdx/collateral/quote-collateral.ts'
import { CollateralFetchError } from './collateral-fetch-error.ts'
import { fetchAnswer, type Answer, type Fetch } from './fetch-answer.ts'
import { readIssuerChain } from './issuer-chain.ts'
import type { CollateralRequest } from '../collateral-request.ts'
import type { CollateralUpdate, Service } from './service.ts'
import { readSignedAnswer, type SignedAnswer } from './signed-answer.ts'
import { dateCrl, dateDocument, type DatedDocument, type DatedPart } from './vintage.ts'

/** Behind the signed value stand its signature and a few characters. */
const MAX_DOCUMENT_BYTES: number = MAX_DOCUMENT_CHARACTERS + 1024
const TCB_INFO_CHAIN = ['TCB-Info-Issuer-Chain', 'SGX-TCB-Info-Issuer-Chain']
const QE_IDENTITY_CHAIN = ['SGX-Enclave-Identity-Issuer-Chain']
const PCK_CRL_CHAIN = ['SGX-PCK-CRL-Issuer-Chain']

/** A bundle as it came, with the dates its parts state of themselves. */
export interface FetchedBundle {
  readonly collateral: QuoteCollateral
  readonly parts: readonly (DatedPart | DatedDocument)[]
}

/** Where and how a bundle is fetched. */
export interface BundleSource {
  readonly fetch: Fetch
  readonly service: Service
  readonly update: CollateralUpdate
}

interface FetchedDocument extends SignedAnswer {
  readonly chain: string
  readonly dated: DatedDocument
}

interface FetchedCrl {
  readonly der: Uint8Array
  readonly dated: DatedPart
  readonly headers: Headers
}

/** Fetches all parts of a bundle: every one, of one evaluation data number, or none. @throws CollateralFetchError */
export async function fetchBundle(
  source: BundleSource,
  { fmspc, ca }: CollateralRequest,
  signal: AbortSignal,
): Promise<FetchedBundle> {
  const { service, update } = source
  const ask: AskUrl = (url, maxBytes) => fetchAnswer(source.fetch, url, maxBytes, signal)
  const pckCrlUrl = service.pckCrlUrl(ca)
  const [rootCrl, pckCrl, [info, identity]] = await Promise.all([
    fetchCrl(ask, service.rootCrlUrl, 'root CRL'),
    fetchCrl(ask, pckCrlUrl, 'PCK CRL'),
    fetchPair(
      update,
      (which) => fetchTcbInfo(ask, service.tcbInfoUrl(fmspc, which), fmspc),
      (which) =>
        fetchDocument(ask, service.qeIdentityUrl(which), 'enclaveIdentity', QE_IDENTITY_CHAIN),
    ),
  ])
  const collateral = Object.freeze({
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
  return { collateral, parts: [rootCrl.dated, pckCrl.dated, info.dated, identity.dated] }
}

type AskUrl = (url: string, maxBytes: number) => Promise<Answer>

async function fetchCrl(ask: AskUrl, url: string, name: string): Promise<FetchedCrl> {
  const { headers, body } = await ask(url, 2 * MAX_CRL_BYTES)
  const der = decodeCrl(body, url)
  return { der, headers, dated: dateCrl(der, name, url) }
}

async function fetchDocument(
  ask: AskUrl,
  url: string,
  member: string,
  chainHeaders: readonly string[],
): Promise<FetchedDocument> {
  const { headers, body } = await ask(url, MAX_DOCUMENT_BYTES)
  const signed = readSignedAnswer(body, member, url)
  const chain = readIssuerChain(headers, chainHeaders, url)
  return { ...signed, chain, dated: dateDocument(signed.text, member, url) }
}

async function fetchTcbInfo(ask: AskUrl, url: string, fmspc: string): Promise<FetchedDocument> {
  const info = await fetchDocument(ask, url, 'tcbInfo', TCB_INFO_CHAIN)
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

/** A CRL as DER, or as the hex of it that a PCCS sends; hex of DER begins with a 3, DER itself never. */
function decodeCrl(body: Uint8Array, place: string): Uint8Array {
  const isHex = body[0] === '3'.charCodeAt(0)
  if (!isHex && body.length <= MAX_CRL_BYTES) return body
  if (!isHex) {
    throw new CollateralFetchError('FETCH_TOO_LARGE', `${place}: more than ${MAX_CRL_BYTES} bytes`)
  }
  try {
    return fromBareHex(new TextDecoder('latin1').decode(body))
  } catch (cause) {
    throw new CollateralFetchError('FETCH_BODY_INVALID', `${place}: expected hex`, { cause })
  }
}
