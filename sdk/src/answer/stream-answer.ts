import type { ReceivedAnswer } from '@jeju/verifier'
import {
  concatBytes,
  createResponseHasher,
  DONE_FRAME,
  encodeComputeReceipt,
  equalBytes,
  MAX_RESPONSE_BYTES,
  ProtocolError,
  receiptFrame,
  SseReceiptSplitter,
  utf8,
  type ComputeReceipt,
  type ResponseHasher,
} from '@jeju/verifier/protocol'
import { judgeAnswer, type AnswerContext } from './answer-judge.ts'
import { brokenOff } from './broken-off.ts'
import { chunksOfFrames } from './chunk-frames.ts'
import { factsOfFrames, type AnswerFacts } from './answer-facts.ts'
import { unopened, type AnswerPiece, type AnswerReader } from '../sealing/sealed-exchange.ts'

/**
 * The frames of a stream as they arrive; receipt frame and `[DONE]` only after every check passed. Anything else at
 * the end errors the stream with `NotVerified`. With `hold`, nothing is given out before that.
 */
export function verifiedStream(
  response: Response,
  answers: AnswerReader,
  context: AnswerContext,
  options: { readonly hold: boolean },
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const pieces = answers.pieces(response)
  const reading = new StreamReading(context, answers.framed)
  const next = async (): Promise<{ bytes: Uint8Array<ArrayBuffer>; done: boolean }> => {
    const piece = await pieces.next().catch((error: unknown) => reading.broken(error))
    return piece.done === true
      ? { bytes: reading.end(), done: true }
      : { bytes: reading.push(piece.value), done: false }
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
        await pieces.return().catch(() => undefined)
        controller.error(error)
      }
    },
    cancel: async () => void (await pieces.return()),
  })
}

/** One stream while it is read: what was covered so far. */
class StreamReading {
  readonly #context: AnswerContext
  readonly #splitter = new SseReceiptSplitter()
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  readonly #hasher: ResponseHasher
  #responseBytes = 0
  #facts: AnswerFacts = {}
  readonly #framed: boolean

  constructor(context: AnswerContext, framed: boolean) {
    this.#context = context
    this.#framed = framed
    this.#hasher = createResponseHasher(context.expectation.signed.salt)
  }

  /** Bytes that may be given out before the end is known. */
  push({ plain, wire }: AnswerPiece): Uint8Array<ArrayBuffer> {
    const covered = this.#split(() => this.#splitter.push(plain))
    if (this.#framed && covered.length !== 0 && covered.length !== plain.length) {
      return this.#refuse('a sealed piece that is covered in part')
    }
    this.#responseBytes += covered.length
    if (this.#responseBytes > MAX_RESPONSE_BYTES) {
      this.#refuse(`a stream of more than ${MAX_RESPONSE_BYTES} bytes`)
    }
    this.#hasher.update(this.#framed && covered.length > 0 ? wire : covered)
    // Frames are whole, so no character is cut.
    const chunks = chunksOfFrames(this.#decoder.decode(covered))
    if (chunks === undefined) return this.#refuse('a frame that is no chunk of an answer')
    this.#facts = { ...this.#facts, ...factsOfFrames(chunks) }
    return covered
  }

  /** The last bytes, once they are verified. */
  end(): Uint8Array<ArrayBuffer> {
    const { receipt, tail } = this.#split(() => this.#splitter.end())
    const ownTail = this.#tail(receipt)
    if (this.#facts.chunk !== undefined && !equalBytes(tail, ownTail)) {
      this.#refuse('a receipt frame that is no empty chunk of this stream')
    }
    this.#judge({ text: encodeComputeReceipt(receipt) })
    return ownTail
  }

  /**
   * What a client is given as end of the stream. The receipt does not cover the chunk around it, in which an
   * intermediary could deliver text of its own: so that chunk is made here, from what is covered.
   */
  #tail(receipt: ComputeReceipt): Uint8Array<ArrayBuffer> {
    const { chunk } = this.#facts
    const frame = chunk === undefined ? new Uint8Array(0) : receiptFrame(receipt, chunk)
    return concatBytes(frame, utf8(DONE_FRAME))
  }

  /** The connection failed: a cut answer like any other, unless the caller ended it. */
  broken(error: unknown): never {
    this.#context.signal.throwIfAborted()
    return this.#refuse(unopened(error) ?? brokenOff(error))
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
