import { RESPONSE_NONCE_HEADER } from '@jeju/verifier/sealing'
import { concatBytes } from '@jeju/verifier/protocol'
import type { OutgoingRequest } from './sealed-exchange.ts'

const MAX_REFUSAL_BYTES = 64 * 1024

/**
 * A refusal as it can be read: the node's own words, where it sealed them. Without the header of a sealed answer they
 * are the gateway's or nobody's, and whatever they say is believed by nobody either way (EHBP, errors).
 */
export async function openedRefusal(
  response: Response,
  { answers, sealedBy }: OutgoingRequest,
): Promise<Response> {
  if (sealedBy === undefined || !response.headers.has(RESPONSE_NONCE_HEADER)) return response
  const parts: Uint8Array[] = []
  let length = 0
  try {
    for await (const { plain } of answers.pieces(response)) {
      length += plain.length
      if (length > MAX_REFUSAL_BYTES) break
      parts.push(plain)
    }
  } catch {
    // Cut or changed on the way: a refusal without words is one still.
    parts.length = 0
  }
  const { status, headers } = response
  return new Response(concatBytes(...parts), { status, headers })
}
