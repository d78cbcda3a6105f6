import {
  AUTHORIZATION_HEADER,
  decodeEvidence,
  encodeAuthorization,
  parseKeyset,
  type SignedRequestAuth,
} from '@jeju/verifier/protocol'
import {
  EHBP_X25519,
  sealingKeyOf,
  X_WING,
  type SealedRequest,
  type SealingKey,
} from '@jeju/verifier/sealing'
import type { Running } from './start-node.ts'
import { CHAT_PATH } from './test-client.ts'

const decoder = new TextDecoder()

/** Keys as a client has them: from the attested keyset. */
export async function keysOf({ get }: Running): Promise<readonly SealingKey[]> {
  const answer = await get(`/v1/attestation?nonce=${'ab'.repeat(32)}`)
  const { keyset } = decodeEvidence(new Uint8Array(await answer.arrayBuffer()))
  const parsed = parseKeyset(keyset)
  const only = (algo: string): SealingKey => {
    const key = sealingKeyOf({
      ...parsed,
      e2ee_public_keys: parsed.e2ee_public_keys.filter((one) => one.algo === algo),
    })
    if (key === undefined) throw new Error(`no key for ${algo}`)
    return key
  }
  return [only(EHBP_X25519.algo), only(X_WING.algo)]
}

/** A prompt as it is sent: sealed, or in what passes for that. */
export function post(
  sealed: { readonly body: Uint8Array; readonly headers: Readonly<Record<string, string>> },
  signed: SignedRequestAuth | undefined,
  path: string = CHAT_PATH,
): Request {
  return new Request(`http://node.test${path}`, {
    method: 'POST',
    body: new Uint8Array(sealed.body),
    headers: {
      'content-type': 'application/json',
      ...sealed.headers,
      ...(signed === undefined ? {} : { [AUTHORIZATION_HEADER]: encodeAuthorization(signed) }),
    },
  })
}

/** Opens a whole answer: its plaintext, and the pieces with their bytes of the wire. */
export async function open(
  sealed: SealedRequest,
  response: Response,
): Promise<{ text: string; pieces: { plain: string; wire: Uint8Array }[] }> {
  const opener = await sealed.openAnswer(response.headers.get('ehbp-response-nonce'))
  const frames = await opener.push(new Uint8Array(await response.arrayBuffer()))
  opener.end()
  const pieces = frames.map(({ plaintext, wire }) => ({ plain: decoder.decode(plaintext), wire }))
  return { text: pieces.map(({ plain }) => plain).join(''), pieces }
}
