import {
  concatBytes,
  createResponseHasher,
  decodeUtf8,
  fromBase64Url,
  MAX_HEADER_BYTES,
  MAX_RESPONSE_BYTES,
  ProtocolError,
  RECEIPT_HEADER,
  type ResponseHasher,
} from '@jeju/verifier/protocol'
import { BodyTooLarge } from '../gateway/read-body.ts'
import { unopened, type AnswerReader } from '../sealing/sealed-exchange.ts'
import { judgeAnswer, type AnswerContext } from './answer-judge.ts'
import { brokenOff } from './broken-off.ts'
import { factsOfJson } from './answer-facts.ts'

/**
 * The text of a JSON answer, held back until it is verified; what is hashed are its bytes on the wire. Throws
 * `NotVerified`.
 */
export async function readVerifiedJson(
  response: Response,
  answers: AnswerReader,
  context: AnswerContext,
): Promise<Uint8Array<ArrayBuffer>> {
  const hasher = createResponseHasher(context.expectation.signed.salt)
  const body = await readPieces(response, answers, hasher).catch((error: unknown) => {
    context.signal.throwIfAborted()
    const known = error instanceof BodyTooLarge ? error.message : unopened(error)
    const absent = known ?? brokenOff(error)
    judgeAnswer({ receipt: { absent }, responseHash: hasher.digest(), responseBytes: 0 }, context)
    throw error
  })
  const { usage } = factsOfJson(new TextDecoder().decode(body))
  const verified = judgeAnswer(
    {
      receipt: readReceiptHeader(response.headers.get(RECEIPT_HEADER)),
      responseHash: hasher.digest(),
      responseBytes: body.length,
      ...(usage === undefined ? {} : { statedUsage: usage }),
    },
    context,
  )
  await context.keep(verified)
  return body
}

async function readPieces(
  response: Response,
  answers: AnswerReader,
  hasher: ResponseHasher,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const { plain, wire } of answers.pieces(response)) {
    length += plain.length
    if (length > MAX_RESPONSE_BYTES) throw new BodyTooLarge(MAX_RESPONSE_BYTES)
    hasher.update(wire)
    parts.push(plain)
  }
  return concatBytes(...parts)
}

function readReceiptHeader(
  header: string | null,
): { readonly text: string } | { readonly absent: string } {
  if (header === null) return { absent: `an answer without the header ${RECEIPT_HEADER}` }
  if (header.length > MAX_HEADER_BYTES) return { absent: 'a header that is too long' }
  try {
    return { text: decodeUtf8(fromBase64Url(header, RECEIPT_HEADER), RECEIPT_HEADER) }
  } catch (error) {
    if (error instanceof ProtocolError) return { absent: `${error.code}: ${error.message}` }
    throw error
  }
}
