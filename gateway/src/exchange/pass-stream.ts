import type { ServerResponse } from 'node:http'
import type { ReceivedAnswer, StatedUsage } from '@jeju/verifier'
import { nativeSha256 } from '@jeju/verifier/node'
import {
  concatBytes,
  createResponseHasher,
  ProtocolError,
  SseReceiptSplitter,
  utf8,
  type StreamKind,
} from '@jeju/verifier/protocol'
import { errorAnswer, GatewayError } from '../http/gateway-error.ts'
import type { Dues } from './funding.ts'
import { beginAnswer, writeBytes, type Passed, type PassParts } from './outgoing-answer.ts'
import type { SentPrompt } from './send-first.ts'
import { usageOfFrames } from './stated-usage.ts'

/**
 * A stream as it arrives, up to the event that ends it: that, the receipt and what follows are given out when the
 * receipt was verified over all bytes before, and what is owed was taken. Otherwise an error event ends the stream,
 * which has no end then.
 */
export async function passStream(
  sent: SentPrompt,
  kind: StreamKind,
  parts: PassParts,
): Promise<Passed> {
  const { response, dues } = parts
  beginAnswer(sent, 'streaming', parts, dues && { trailer: dues.headers.join(', ') })
  // The reader learns that there is an answer, however long its first piece takes.
  const flush = setImmediate(() => response.flushHeaders())
  const reading = new StreamReading(sent, kind)
  const inTime = collectInTime(dues, response)
  const { body } = sent.answer
  /** What came together with the end leaves together with it. */
  let last: Uint8Array = new Uint8Array(0)
  const finish = (end: Uint8Array): void => void response.end(concatBytes(last, end))
  try {
    for await (const chunk of body) {
      const covered = reading.push(chunk)
      if (body.isOver === true) last = covered
      else if (covered.length > 0) await writeBytes(response, covered)
    }
    const { received, end } = reading.end()
    if (await parts.judge.isVerified(received, sent.attempt, parts)) {
      if (dues !== undefined) response.addTrailers(await dues.collect())
      finish(end)
      return { outcome: 'streaming', bytes: reading.bytes }
    }
  } catch (error) {
    if (error instanceof GatewayError) {
      response.addTrailers(error.details.headers ?? {})
      // The end of a good stream is kept back where nobody paid for it.
      finish(errorFrame(kind, error))
      return { outcome: 'unpaid', bytes: reading.bytes }
    }
    if (!(error instanceof ProtocolError)) throw error
    body.destroy()
    const received = reading.broken(`${error.code}: ${error.message}`)
    await parts.judge.isVerified(received, sent.attempt, parts)
  } finally {
    clearImmediate(flush)
    clearTimeout(inTime)
  }
  const text = 'stream: the node did not sign for these bytes'
  finish(errorFrame(kind, new GatewayError('response_not_verified', text)))
  return { outcome: 'not-verified', bytes: reading.bytes }
}

/**
 * Takes what is owed for a stream that is not at its end when nothing could be taken later: a reader could be slow until
 * its payment has lapsed. Where it cannot be taken the answer breaks off.
 */
function collectInTime(
  dues: Dues | undefined,
  response: ServerResponse,
): NodeJS.Timeout | undefined {
  if (dues === undefined) return undefined
  return setTimeout(() => {
    dues.collect().catch(() => response.destroy())
  }, dues.msLeft())
}

/** The event with which clients of each API raise an error. */
function errorFrame(kind: StreamKind, error: GatewayError): Uint8Array {
  return utf8(errorText(kind, error))
}

function errorText(kind: StreamKind, error: GatewayError): string {
  const { body } = errorAnswer(error)
  switch (kind) {
    case 'chat':
    case 'completion':
      return `data: ${JSON.stringify(body)}\n\n`
    case 'messages':
      return `event: error\ndata: ${JSON.stringify({ type: 'error', ...body })}\n\n`
    case 'responses': {
      const { code, message, param } = body.error
      return `event: error\ndata: ${JSON.stringify({ type: 'error', code, message, param })}\n\n`
    }
  }
}

/** One stream while it is read: what was covered so far. */
class StreamReading {
  readonly #splitter: SseReceiptSplitter
  readonly #hasher: ReturnType<typeof createResponseHasher>
  #usage: StatedUsage | undefined
  #covered = 0
  bytes = 0

  constructor({ attempt }: SentPrompt, kind: StreamKind) {
    this.#splitter = new SseReceiptSplitter(kind)
    this.#hasher = createResponseHasher(attempt.offer.signed.salt, nativeSha256())
  }

  push(chunk: Uint8Array): Uint8Array {
    this.bytes += chunk.length
    return this.#cover(this.#splitter.push(chunk))
  }

  /** What is to be judged, and the bytes to give out after that. */
  end(): { readonly received: ReceivedAnswer; readonly end: Uint8Array } {
    const { text, held, tail } = this.#splitter.end()
    this.#cover(held)
    return {
      received: this.#received({ text }),
      end: concatBytes(held, tail),
    }
  }

  /** A stream without the end that it has to have. */
  broken(absent: string): ReceivedAnswer {
    return this.#received({ absent })
  }

  #cover(bytes: Uint8Array): Uint8Array {
    if (bytes.length === 0) return bytes
    this.#covered += bytes.length
    this.#hasher.update(bytes)
    this.#usage = usageOfFrames(bytes) ?? this.#usage
    return bytes
  }

  #received(receipt: ReceivedAnswer['receipt']): ReceivedAnswer {
    return {
      receipt,
      responseHash: this.#hasher.digest(),
      responseBytes: this.#covered,
      ...(this.#usage === undefined ? {} : { statedUsage: this.#usage }),
    }
  }
}
