import type { IncomingHttpHeaders } from 'node:http'
import { nativeBase64Url, nativeSha256 } from '@jeju/verifier/node'
import {
  AUTHORIZATION_HEADER,
  parseAuthorization,
  ProtocolError,
  requestHash,
  type SignedRequestAuth,
} from '@jeju/verifier/protocol'
import { GatewayError } from '../http/gateway-error.ts'

/** One authorisation of a request, with the text it came in: each names one binding that may answer and be paid. */
export interface Offer {
  readonly signed: SignedRequestAuth
  readonly text: string
}

/** Authorisations of one request; each may be charged, so a client signs few. */
const MAX_OFFERS = 4

/**
 * The authorisations of a request, separated by commas, in the client's order; undefined where there are none. A node
 * sees only its own.
 * @throws GatewayError `authorization_invalid`
 */
export function readOffers(headers: IncomingHttpHeaders): readonly Offer[] | undefined {
  const header = headers[AUTHORIZATION_HEADER]
  if (typeof header !== 'string') return undefined
  const texts = header.split(',').map((text) => text.trim())
  if (texts.length > MAX_OFFERS) {
    throw invalid(`expected at most ${MAX_OFFERS}, got ${texts.length}`)
  }
  const offers = texts.map((text) => ({ text, signed: parse(text) }))
  const bindings = new Set(offers.map(({ signed }) => signed.auth.bindingId))
  if (bindings.size !== offers.length) throw invalid('two for the same binding')
  return offers
}

/**
 * Refuses bytes that were not signed for: the node would too, but not before it had them.
 * @throws GatewayError `request_hash_mismatch`
 */
export function requireSigned({ signed }: Offer, path: string, body: Uint8Array): void {
  const { salt, auth } = signed
  const actual = requestHash(salt, 'POST', path, body, nativeSha256())
  if (actual === auth.requestHash) return
  throw new GatewayError(
    'request_hash_mismatch',
    `requestHash: expected ${auth.requestHash}, got ${actual}`,
  )
}

function parse(text: string): SignedRequestAuth {
  try {
    return parseAuthorization(text, nativeBase64Url)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw new GatewayError('authorization_invalid', error.message)
  }
}

function invalid(text: string): GatewayError {
  return new GatewayError('authorization_invalid', `${AUTHORIZATION_HEADER}: ${text}`)
}
