import type { ReceivedAnswer } from '@jeju/verifier'
import {
  concatBytes,
  createResponseHasher,
  encodeComputeReceipt,
  equalBytes,
  MAX_RESPONSE_BYTES,
  ProtocolError,
  receiptFrame,
  SseReceiptSplitter,
  STREAM_END,
  utf8,
  type ComputeReceipt,
  type ResponseHasher,
  type StreamKind,
} from '@jeju/verifier/protocol'
import { judgeAnswer, type AnswerContext } from './answer-judge.ts'
import { brokenOff } from './broken-off.ts'
import { chunksOfFrames, endOfAnswer } from './chunk-frames.ts'
import { factsOfFrames, type AnswerFacts } from './answer-facts.ts'

/**
 * The frames of a stream as they arrive; what ends the answer only after every check passed. Anything else at the end
 * errors the stream with `NotVerified`. With `hold`, nothing is given out before that.
 */
export function verifiedStream(
  body: ReadableStream<Uint8Array>,
  context: AnswerContext,
  options: { readonly kind: StreamKind; readonly hold: boolean },
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader()
  const reading = new StreamReading(context, options.kind)
  const next = async (): Promise<{ bytes: Uint8Array<ArrayBuffer>; done: boolean }> => {
    const { done, value } = await reader.read().catch((error: unknown) => reading.broken(error))
    return done ? { bytes: reading.end(), done } : { bytes: reading.push(value), done }
  }
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: async (controller) => {
      try {
        const held: Uint8Array[] = []
        for (;;) {
          const { bytes, done } = await next()
          held.push(bytes)
          if (done || (!options.hold && bytes.length > 0)) {
            controller.enqueue(concatBytes(...held))
            if (done) controller.close()
            return
          }
        }
      } catch (error) {
        await reader.cancel().catch(() => undefined)
        controller.error(error)
      }
    },
    cancel: (reason) => reader.cancel(reason),
  })
}

/** For receipts that travel in no chunk. */
const NO_CHUNK = { id: '', model: '', created: 0 }

/** One stream while it is read: what was covered so far. */
class StreamReading {
  readonly #context: AnswerContext
  readonly #kind: StreamKind
  readonly #splitter: SseReceiptSplitter
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  readonly #hasher: ResponseHasher
  #responseBytes = 0
  #facts: AnswerFacts = {}

  constructor(context: AnswerContext, kind: StreamKind) {
    this.#kind = kind
    this.#splitter = new SseReceiptSplitter(kind)
    this.#context = context
    this.#hasher = createResponseHasher(context.expectation.signed.salt)
  }

  /** Bytes that may be given out before the end is known. */
  push(chunk: Uint8Array): Uint8Array<ArrayBuffer> {
    const covered = this.#split(() => this.#splitter.push(chunk))
    this.#cover(covered)
    // Frames are whole, so no character is cut.
    const chunks = chunksOfFrames(this.#decoder.decode(covered), this.#kind)
    if (chunks === undefined) return this.#refuse('a frame that is no chunk of an answer')
    this.#facts = { ...this.#facts, ...factsOfFrames(chunks) }
    return covered
  }

  /** The last bytes, once they are verified. */
  end(): Uint8Array<ArrayBuffer> {
    const { receipt, held, tail } = this.#split(() => this.#splitter.end())
    this.#cover(held)
    if (held.length > 0) {
      const end = endOfAnswer(this.#decoder.decode(held), this.#kind)
      if (end === undefined) return this.#refuse('a frame that does not end an answer')
      this.#facts = { ...this.#facts, ...factsOfFrames([end]) }
    }
    const ownTail = this.#tail(receipt)
    if ((this.#facts.chunk !== undefined || held.length > 0) && !equalBytes(tail, ownTail)) {
      this.#refuse('a receipt frame that is no empty chunk of this stream')
    }
    this.#judge({ text: encodeComputeReceipt(receipt) })
    return concatBytes(held, ownTail)
  }

  /**
   * What a client is given as end of the stream. The receipt does not cover the chunk around it, in which an
   * intermediary could deliver text of its own: so that chunk is made here, from what is covered.
   */
  #tail(receipt: ComputeReceipt): Uint8Array<ArrayBuffer> {
    const chunk = this.#facts.chunk ?? (this.#isNamed ? NO_CHUNK : undefined)
    const frame = chunk === undefined ? new Uint8Array(0) : receiptFrame(receipt, chunk, this.#kind)
    return concatBytes(frame, utf8(STREAM_END[this.#kind]))
  }

  /** The connection failed: a cut answer like any other, unless the caller ended it. */
  broken(error: unknown): never {
    this.#context.signal.throwIfAborted()
    return this.#refuse(brokenOff(error))
  }

  /** Whether the receipt stands by itself, and not in a chunk of the answer. */
  get #isNamed(): boolean {
    return STREAM_END[this.#kind] === ''
  }

  #cover(bytes: Uint8Array): void {
    this.#responseBytes += bytes.length
    if (this.#responseBytes > MAX_RESPONSE_BYTES) {
      this.#refuse(`a stream of more than ${MAX_RESPONSE_BYTES} bytes`)
    }
    this.#hasher.update(bytes)
  }

  #split<Value>(split: () => Value): Value {
    try {
      return split()
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      return this.#refuse(`${error.code}: ${error.message}`)
    }
  }

  #refuse(absent: string): never {
    this.#judge({ absent })
    throw new Error('an answer without a receipt was verified')
  }

  #judge(receipt: ReceivedAnswer['receipt']): void {
    const { usage } = this.#facts
    judgeAnswer(
      {
        receipt,
        responseHash: this.#hasher.digest(),
        responseBytes: this.#responseBytes,
        ...(usage === undefined ? {} : { statedUsage: usage }),
      },
      this.#context,
    )
  }
}
