import { concatBytes } from '../bytes/bytes.ts'
import { toBareHex } from '../bytes/hex.ts'
import { encodeFrame } from './framing.ts'
import { ENCAPSULATED_KEY_HEADER, parseResponseNonce } from './headers.ts'
import { startSealing } from './hpke.ts'
import { ResponseOpener } from './response-opener.ts'
import { SealingError } from './sealing-error.ts'
import type { SealingKey } from './suite.ts'

/** A request body as it is sent, and what opens its answer. */
export interface SealedRequest {
  readonly body: Uint8Array<ArrayBuffer>
  readonly headers: Readonly<Record<string, string>>
  /**
   * Reads an answer's nonce header and gives what opens the body.
   * @throws SealingError `SEALED_HEADER`: an answer without it is never read as plaintext (attack E16)
   */
  openAnswer(responseNonce: string | null): Promise<ResponseOpener>
}

/**
 * Seals a body to an attested key: a fresh encapsulation each time, so that no two requests share a key.
 * @throws SealingError `SEALED_KEY`, or `SEALED_FRAME` for an empty body, which EHBP cannot seal
 */
export async function sealRequest(key: SealingKey, body: Uint8Array): Promise<SealedRequest> {
  if (body.length === 0) throw new SealingError('SEALED_FRAME', 'an empty body cannot be sealed')
  const sealing = await startSealing(key)
  const secret = await sealing.responseSecret()
  const { encapsulated } = sealing
  return {
    body: concatBytes(encodeFrame(await sealing.seal(body))),
    headers: { [ENCAPSULATED_KEY_HEADER]: toBareHex(encapsulated) },
    openAnswer: async (header) =>
      ResponseOpener.create({ secret, encapsulated, responseNonce: parseResponseNonce(header) }),
  }
}
