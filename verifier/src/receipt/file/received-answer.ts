import { concatBytes, decodeUtf8, utf8 } from '../../bytes/bytes.ts'
import { fromBase64Url } from '../../bytes/base64url.ts'
import type { Hex } from '../../bytes/hex.ts'
import { MAX_HEADER_BYTES, MAX_RESPONSE_BYTES } from '../../protocol/limits.ts'
import type { StreamKind } from '../../protocol/prompt-endpoints.ts'
import { ProtocolError } from '../../protocol/protocol-error.ts'
import { createResponseHasher } from '../../protocol/request-auth.ts'
import { asInteger, asOneOf, asString, exactObject } from '../../protocol/shape.ts'
import { SseReceiptSplitter } from '../../protocol/sse-receipt-splitter.ts'
import type { ReceivedAnswer, StatedUsage } from '../receipt-expectation.ts'
import { parseBinary } from '../../bytes/binary-text.ts'

const MAX_TOKENS = 2 ** 32 - 1
const STREAM_KINDS: readonly StreamKind[] = ['chat', 'completion', 'responses', 'messages']

/** Reads `answer`: what came over the wire, and where its receipt stands. @throws ProtocolError */
export function readAnswer(value: unknown, salt: Hex): ReceivedAnswer {
  const place = 'file.answer'
  const answer = exactObject(value, place, ['kind'], ['api', 'text', 'bytes', 'receipt', 'usage'])
  const kind = asOneOf(answer['kind'], `${place}.kind`, ['json', 'stream'])
  const body = readBody(answer['text'], answer['bytes'])
  const usage = answer['usage'] === undefined ? {} : { statedUsage: readUsage(answer['usage']) }
  if (kind === 'stream') {
    if (answer['receipt'] !== undefined) {
      throw new ProtocolError('INPUT_FIELD', `${place}.receipt: a stream carries its own`)
    }
    const api = asOneOf(answer['api'] ?? 'chat', `${place}.api`, STREAM_KINDS)
    return { ...readStream(body, salt, api), ...usage }
  }
  return { ...hashed(body, salt), receipt: receiptOf(answer['receipt']), ...usage }
}

/** Text, or bytes in hex or base64; one of the two. */
function readBody(text: unknown, bytes: unknown): Uint8Array {
  const place = 'file.answer'
  if ((text === undefined) === (bytes === undefined)) {
    throw new ProtocolError('INPUT_FIELD', `${place}: expected one of text and bytes`)
  }
  const body =
    text === undefined
      ? parseBinary(bytes, `${place}.bytes`)
      : utf8(asString(text, `${place}.text`, MAX_RESPONSE_BYTES))
  if (body.length > MAX_RESPONSE_BYTES) {
    throw new ProtocolError('INPUT_TOO_LARGE', `${place}: more than ${MAX_RESPONSE_BYTES} bytes`)
  }
  return body
}

function readUsage(value: unknown): StatedUsage {
  const place = 'file.answer.usage'
  const usage = exactObject(value, place, ['inputTokens', 'outputTokens'])
  const tokens = { min: 0, max: MAX_TOKENS }
  return {
    inputTokens: asInteger(usage['inputTokens'], `${place}.inputTokens`, tokens),
    outputTokens: asInteger(usage['outputTokens'], `${place}.outputTokens`, tokens),
  }
}

/** Header `compute-receipt` of a JSON answer. That there is none is for the report to say. */
function receiptOf(header: unknown): ReceivedAnswer['receipt'] {
  if (header === undefined || header === null) return { absent: 'no compute-receipt header' }
  const place = 'file.answer.receipt'
  const text = asString(header, place, MAX_HEADER_BYTES)
  return orAbsent(() => ({ text: decodeUtf8(fromBase64Url(text, place), place) }))
}

function readStream(body: Uint8Array, salt: Hex, api: StreamKind): ReceivedAnswer {
  const splitter = new SseReceiptSplitter(api)
  let covered = new Uint8Array(0)
  const receipt = orAbsent(() => {
    covered = splitter.push(body)
    const { text, held } = splitter.end()
    covered = concatBytes(covered, held)
    return { text }
  })
  return { ...hashed(covered, salt), receipt }
}

function hashed(
  covered: Uint8Array,
  salt: Hex,
): Pick<ReceivedAnswer, 'responseHash' | 'responseBytes'> {
  const hasher = createResponseHasher(salt)
  hasher.update(covered)
  return { responseHash: hasher.digest(), responseBytes: covered.length }
}

/** What a peer sent in the place of a receipt is judged, not refused: a missing receipt is a result. */
function orAbsent(read: () => ReceivedAnswer['receipt']): ReceivedAnswer['receipt'] {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return { absent: `${error.code}: ${error.message}` }
  }
}
