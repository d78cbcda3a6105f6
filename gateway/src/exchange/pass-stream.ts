import type { ServerResponse } from 'node:http'
import type { ReceivedAnswer, StatedUsage } from '@jeju/verifier'
import { nativeSha256 } from '@jeju/verifier/node'
import {
  concatBytes,
  createResponseHasher,
  encodeComputeReceipt,
  ProtocolError,
  SseReceiptSplitter,
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
  try {
    for await (const chunk of sent.answer.body) {
      const covered = reading.push(chunk)
      if (covered.length > 0) await writeBytes(response, covered)
    }
    const { received, end } = reading.end()
    if (await parts.judge.isVerified(received, sent.attempt, parts)) {
      if (dues !== undefined) response.addTrailers(await dues.collect())
      response.end(end)
      return { outcome: 'streaming', bytes: reading.bytes }
    }
  } catch (error) {
    if (error instanceof GatewayError) return endUnpaid(error, kind, response, reading.bytes)
    if (!(error instanceof ProtocolError)) throw error
    sent.answer.body.destroy()
    const received = reading.broken(`${error.code}: ${error.message}`)
    await parts.judge.isVerified(received, sent.attempt, parts)
  } finally {
    clearImmediate(flush)
    clearTimeout(inTime)
  }
  const text = 'stream: the node did not sign for these bytes'
  response.end(errorFrame(kind, new GatewayError('response_not_verified', text)))
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

/** The end of a good stream that is kept back because nobody paid for it. */
function endUnpaid(
  error: GatewayError,
  kind: StreamKind,
  response: ServerResponse,
  bytes: number,
): Passed {
  response.addTrailers(error.details.headers ?? {})
  response.end(errorFrame(kind, error))
  return { outcome: 'unpaid', bytes }
}

/** The event with which clients of each API raise an error. */
function errorFrame(kind: StreamKind, error: GatewayError): string {
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
    const { receipt, held, tail } = this.#splitter.end()
    this.#cover(held)
    return {
      received: this.#received({ text: encodeComputeReceipt(receipt) }),
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
