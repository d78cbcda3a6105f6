import { AUTHORIZATION_HEADER, RECEIPT_HEADER } from '@jeju/verifier/protocol'
import { ENCAPSULATED_KEY_HEADER, RESPONSE_NONCE_HEADER } from '@jeju/verifier/sealing'

/** The only headers that travel with a request; everything else stays here (attack F12). */
const REQUEST_HEADERS = ['accept', 'content-type', AUTHORIZATION_HEADER, ENCAPSULATED_KEY_HEADER]
/** The only headers that travel with an answer. */
const ANSWER_HEADERS = [
  'content-type',
  'cache-control',
  'retry-after',
  'x-receipt-id',
  RECEIPT_HEADER,
  RESPONSE_NONCE_HEADER,
]

/** Request headers that may go to a node. */
export function requestHeaders(headers: Headers): Record<string, string> {
  return pick(REQUEST_HEADERS, (name) => headers.get(name) ?? undefined)
}

/** Answer headers that may go to a client. */
export function answerHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return pick(ANSWER_HEADERS, (name) => headers[name])
}

function pick(
  names: readonly string[],
  valueOf: (name: string) => string | undefined,
): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = valueOf(name)
      return value === undefined ? [] : [[name, value]]
    }),
  )
}
