import { fromBareHex } from '../bytes/hex.ts'
import { MAX_DOCUMENT_CHARACTERS } from '../tdx/collateral/document.ts'
import { MAX_CRL_BYTES } from '../tdx/collateral/quote-collateral.ts'
import { CollateralFetchError } from './collateral-fetch-error.ts'
import type { Answer } from './fetch-answer.ts'
import { readIssuerChain } from './issuer-chain.ts'
import { readSignedAnswer, type SignedAnswer } from './signed-answer.ts'
import { dateCrl, type DatedDocument, type DatedPart } from './vintage.ts'

/** Behind the signed value stand its signature and a few characters. */
const MAX_DOCUMENT_BYTES: number = MAX_DOCUMENT_CHARACTERS + 1024

/** Asks one address of the service. */
export type AskUrl = (url: string, maxBytes: number) => Promise<Answer>

/** A signed document as it came, with what it states of itself. */
export interface FetchedDocument extends SignedAnswer {
  /** PEM. */
  readonly chain: string
  readonly dated: DatedDocument
}

/** A revocation list as it came, with what it states of itself. */
export interface FetchedCrl {
  readonly der: Uint8Array
  readonly dated: DatedPart
  readonly headers: Headers
}

/** One of the signed documents: the member it comes in, the headers its chain comes in, and how it is dated. */
export interface DocumentKind {
  readonly member: string
  readonly chainHeaders: readonly string[]
  readonly date: (text: string, name: string, place: string) => DatedDocument
}

/** Fetches a signed document. @throws CollateralFetchError */
export async function fetchDocument(
  ask: AskUrl,
  url: string,
  { member, chainHeaders, date }: DocumentKind,
): Promise<FetchedDocument> {
  const { headers, body } = await ask(url, MAX_DOCUMENT_BYTES)
  const signed = readSignedAnswer(body, member, url)
  const chain = readIssuerChain(headers, chainHeaders, url)
  return { ...signed, chain, dated: date(signed.text, member, url) }
}

/** Fetches a revocation list. @throws CollateralFetchError */
export async function fetchCrl(ask: AskUrl, url: string, name: string): Promise<FetchedCrl> {
  const { headers, body } = await ask(url, 2 * MAX_CRL_BYTES)
  const der = decodeCrl(body, url)
  return { der, headers, dated: dateCrl(der, name, url) }
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
