import { nativeBase64Url, nativeSha256 } from '@jeju/verifier/node'
import {
  createResponseHasher,
  decodeUtf8,
  MAX_HEADER_BYTES,
  MAX_RESPONSE_BYTES,
  ProtocolError,
  RECEIPT_HEADER,
} from '@jeju/verifier/protocol'
import type { ReceivedAnswer } from '@jeju/verifier'
import { readWhole } from '../admission/answer-body.ts'
import { GatewayError } from '../http/gateway-error.ts'
import { beginAnswer, type Passed, type PassParts } from './outgoing-answer.ts'
import type { SentPrompt } from './send-first.ts'
import { usageOfJson } from './stated-usage.ts'

/**
 * A whole answer, held back until it is verified. Sealed or not: its receipt stands in a header and covers the bytes
 * as they are on the wire.
 * @throws GatewayError `response_not_verified`
 */
export async function passJson(sent: SentPrompt, parts: PassParts): Promise<Passed> {
  const { answer, attempt } = sent
  const body = await readWhole(answer.body, MAX_RESPONSE_BYTES).catch(() => {
    throw new GatewayError('provider_unavailable', 'the answer broke off')
  })
  if (body === undefined) throw notVerified(`answer: more than ${MAX_RESPONSE_BYTES} bytes`)
  const hasher = createResponseHasher(attempt.offer.signed.salt, nativeSha256())
  hasher.update(body)
  const statedUsage = parts.isSealed ? undefined : usageOfJson(body.toString('utf8'))
  const received: ReceivedAnswer = {
    receipt: receiptOf(answer.headers[RECEIPT_HEADER]),
    responseHash: hasher.digest(),
    responseBytes: body.length,
    ...(statedUsage === undefined ? {} : { statedUsage }),
  }
  if (!(await parts.judge.isVerified(received, attempt, parts))) {
    throw notVerified('answer: the node did not sign for these bytes')
  }
  const collected = await parts.dues?.collect()
  beginAnswer(sent, 'verified', parts, { ...collected, 'content-length': body.length })
  parts.response.end(body)
  return { outcome: 'verified', bytes: body.length }
}

function receiptOf(header: string | undefined): ReceivedAnswer['receipt'] {
  if (header === undefined) return { absent: `an answer without the header ${RECEIPT_HEADER}` }
  if (header.length > MAX_HEADER_BYTES) return { absent: 'a header that is too long' }
  try {
    return { text: decodeUtf8(nativeBase64Url(header, RECEIPT_HEADER), RECEIPT_HEADER) }
  } catch (error) {
    if (error instanceof ProtocolError) return { absent: `${error.code}: ${error.message}` }
    throw error
  }
}

function notVerified(text: string): GatewayError {
  return new GatewayError('response_not_verified', text)
}
