import {
  createResponseHasher,
  decodeUtf8,
  fromBase64Url,
  MAX_HEADER_BYTES,
  MAX_RESPONSE_BYTES,
  ProtocolError,
  RECEIPT_HEADER,
} from '@jeju/verifier/protocol'
import { BodyTooLarge, readBody } from '../gateway/read-body.ts'
import { judgeAnswer, type AnswerContext } from './answer-judge.ts'
import { brokenOff } from './broken-off.ts'
import { factsOfJson } from './answer-facts.ts'

/** The bytes of a JSON answer, held back until they are verified. Throws `NotVerified`. */
export async function readVerifiedJson(
  response: Response,
  context: AnswerContext,
): Promise<Uint8Array<ArrayBuffer>> {
  const hasher = createResponseHasher(context.expectation.signed.salt)
  const body = await readBody(response.body, MAX_RESPONSE_BYTES).catch((error: unknown) => {
    context.signal.throwIfAborted()
    const absent = error instanceof BodyTooLarge ? error.message : brokenOff(error)
    judgeAnswer({ receipt: { absent }, responseHash: hasher.digest(), responseBytes: 0 }, context)
    throw error
  })
  hasher.update(body)
  const { usage } = factsOfJson(new TextDecoder().decode(body))
  judgeAnswer(
    {
      receipt: readReceiptHeader(response.headers.get(RECEIPT_HEADER)),
      responseHash: hasher.digest(),
      responseBytes: body.length,
      ...(usage === undefined ? {} : { statedUsage: usage }),
    },
    context,
  )
  return body
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
