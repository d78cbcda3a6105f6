import type { IncomingHttpHeaders } from 'node:http'
import { AUTHORIZATION_HEADER, RECEIPT_HEADER } from '@jeju/verifier/protocol'
import { ENCAPSULATED_KEY_HEADER, RESPONSE_NONCE_HEADER } from '@jeju/verifier/sealing'

/** The only headers that travel with a request beside its one authorisation; everything else stays here (attack F12). */
const REQUEST_HEADERS = ['accept', 'content-type', ENCAPSULATED_KEY_HEADER] as const
/** The only headers that travel with an answer. */
const ANSWER_HEADERS = [
  'content-type',
  'cache-control',
  'retry-after',
  'x-receipt-id',
  'x-aci-version',
  'x-aci-keyset-digest',
  RECEIPT_HEADER,
  RESPONSE_NONCE_HEADER,
] as const

/** Headers for a node, with the authorisation that names it and no other. */
export function requestHeaders(
  headers: IncomingHttpHeaders,
  authorization: string,
): Record<string, string> {
  return { ...pick(headers, REQUEST_HEADERS), [AUTHORIZATION_HEADER]: authorization }
}

/** Answer headers that may go to a client. */
export function answerHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return pick(headers, ANSWER_HEADERS)
}

function pick(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  names: readonly string[],
): Record<string, string> {
  const picked: Record<string, string> = {}
  for (const name of names) {
    const value = headers[name]
    if (typeof value === 'string') picked[name] = value
  }
  return picked
}
