import {
  SealingError,
  sealingKeyOf,
  sealRequest,
  RESPONSE_NONCE_HEADER,
  type SealedRequest,
  type SealingAlgo,
  type SealingKey,
} from '@jeju/verifier/sealing'
import type { Keyset } from '@jeju/verifier/protocol'

/** A request as it goes over the wire. */
export interface OutgoingRequest {
  /** The bytes that are signed and sent. */
  readonly body: Uint8Array<ArrayBuffer>
  readonly headers: Readonly<Record<string, string>>
  /** Undefined where it is not sealed. */
  readonly sealedBy: SealingAlgo | undefined
  /** Reads the bodies of the answers to it. */
  readonly answers: AnswerReader
}

/** A piece of an answer: what it says, and the bytes of the wire that said it, which are what the receipt covers. */
export interface AnswerPiece {
  readonly plain: Uint8Array<ArrayBuffer>
  readonly wire: Uint8Array<ArrayBuffer>
}

/** How the body of an answer is read. */
export interface AnswerReader {
  /**
   * The pieces of an answer as they come. Where the request was sealed, so is the answer or it is none: throws a
   * SealingError otherwise.
   */
  pieces(response: Response): AsyncGenerator<AnswerPiece, void>
  /** Whether a piece stands for itself: then it is covered whole or not at all. */
  readonly framed: boolean
}

/**
 * A body made ready for a verified provider. It is sealed to the best key of the keyset that was verified; a keyset
 * without one offers no sealing, and what to do then was decided before anything is made.
 */
export async function outgoing(
  body: Uint8Array<ArrayBuffer>,
  keyset: Keyset,
): Promise<OutgoingRequest> {
  const key = sealingKeyOf(keyset)
  return key === undefined
    ? { body, headers: {}, sealedBy: undefined, answers: PLAIN }
    : sealedTo(key, body)
}

async function sealedTo(key: SealingKey, body: Uint8Array): Promise<OutgoingRequest> {
  const sealed = await sealRequest(key, body)
  return {
    body: sealed.body,
    headers: sealed.headers,
    sealedBy: key.suite.algo,
    answers: { framed: true, pieces: (response) => openedPieces(sealed, response) },
  }
}

const PLAIN: AnswerReader = {
  framed: false,
  pieces: async function* (response) {
    for await (const chunk of chunksOf(response)) yield { plain: chunk, wire: chunk }
  },
}

async function* openedPieces(
  sealed: SealedRequest,
  response: Response,
): AsyncGenerator<AnswerPiece, void> {
  let opener
  try {
    opener = await sealed.openAnswer(response.headers.get(RESPONSE_NONCE_HEADER))
  } catch (error) {
    await response.body?.cancel()
    throw error
  }
  for await (const chunk of chunksOf(response)) {
    for (const { plaintext, wire } of await opener.push(chunk)) yield { plain: plaintext, wire }
  }
  opener.end()
}

/** Chunks of a body; what is left is cancelled when the reader stops early. */
async function* chunksOf(response: Response): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  const reader = response.body?.getReader()
  if (reader === undefined) return
  let done = false
  try {
    for (;;) {
      const next = await reader.read()
      if (next.done) {
        done = true
        return
      }
      yield new Uint8Array(next.value)
    }
  } finally {
    if (!done) await reader.cancel().catch(() => undefined)
  }
}

/** What a sealed answer that cannot be opened is called in a report; undefined for any other error. */
export function unopened(error: unknown): string | undefined {
  return error instanceof SealingError
    ? `a sealed answer that does not open (${error.code})`
    : undefined
}
