import type { ReceivedAnswer } from '@jeju/verifier'
import {
  concatBytes,
  equalBytes,
  MAX_RESPONSE_BYTES,
  ProtocolError,
  receiptFrame,
  SseReceiptSplitter,
  STREAM_END,
  utf8,
  type ComputeReceipt,
  type StreamKind,
} from '@jeju/verifier/protocol'
import { judgeAnswer, type AnswerContext, type VerifiedAnswer } from './answer-judge.ts'
import { brokenOff } from './broken-off.ts'
import { chunksOfFrames, endOfAnswer } from './chunk-frames.ts'
import { CoveredBytes } from './covered-bytes.ts'
import { factsOfFrames, type AnswerFacts } from './answer-facts.ts'
import { unopened, type AnswerPiece, type AnswerReader } from '../sealing/sealed-exchange.ts'

/**
 * The frames of a stream as they arrive; what ends the answer only after every check passed. Anything else at the end
 * errors the stream with `NotVerified`. With `hold`, nothing is given out before that.
 */
export function verifiedStream(
  response: Response,
  answers: AnswerReader,
  context: AnswerContext,
  options: { readonly kind: StreamKind; readonly hold: boolean },
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const pieces = answers.pieces(response)
  const reading = new StreamReading(context, options.kind, answers.framed)
  const next = async (): Promise<{ bytes: Uint8Array<ArrayBuffer>; done: boolean }> => {
    const piece = await pieces.next().catch((error: unknown) => reading.broken(error))
    return piece.done === true
      ? { bytes: await reading.end(), done: true }
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

/** For receipts that travel in no chunk. */
const NO_CHUNK = { id: '', model: '', created: 0 }

/** One stream while it is read: what was covered so far. */
class StreamReading {
  readonly #context: AnswerContext
  readonly #kind: StreamKind
  readonly #splitter: SseReceiptSplitter
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  readonly #covered: CoveredBytes
  #facts: AnswerFacts = {}

  constructor(context: AnswerContext, kind: StreamKind, framed: boolean) {
    this.#kind = kind
    this.#splitter = new SseReceiptSplitter(kind)
    this.#covered = new CoveredBytes(context.expectation.signed.salt, framed)
    this.#context = context
  }

  /** Bytes that may be given out before the end is known. */
  push(piece: AnswerPiece): Uint8Array<ArrayBuffer> {
    if (piece.plain.length === 0 && piece.wire.length > 0) {
      return this.#refuse('a sealed piece that holds nothing')
    }
    const covered = this.#split(() => this.#splitter.push(piece.plain))
    this.#covered.arrived(piece)
    this.#cover(covered)
    // Frames are whole, so no character is cut.
    const chunks = chunksOfFrames(this.#decoder.decode(covered), this.#kind)
    if (chunks === undefined) return this.#refuse('a frame that is no chunk of an answer')
    this.#facts = { ...this.#facts, ...factsOfFrames(chunks) }
    return covered
  }

  /** The last bytes, once they are verified. */
  async end(): Promise<Uint8Array<ArrayBuffer>> {
    const { receipt, text, held, tail } = this.#split(() => this.#splitter.end())
    this.#cover(held)
    if (!this.#covered.isWhole) return this.#refuse('a sealed piece that is covered in part')
    if (held.length > 0) {
      const end = endOfAnswer(this.#decoder.decode(held), this.#kind)
      if (end === undefined) return this.#refuse('a frame that does not end an answer')
      this.#facts = { ...this.#facts, ...factsOfFrames([end]) }
    }
    const ownTail = this.#tail(receipt)
    if ((this.#facts.chunk !== undefined || held.length > 0) && !equalBytes(tail, ownTail)) {
      this.#refuse('a receipt frame that is no empty chunk of this stream')
    }
    await this.#context.keep(this.#judge({ text }))
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
    return this.#refuse(unopened(error) ?? brokenOff(error))
  }

  /** Whether the receipt stands by itself, and not in a chunk of the answer. */
  get #isNamed(): boolean {
    return STREAM_END[this.#kind] === ''
  }

  #cover(bytes: Uint8Array): void {
    this.#covered.cover(bytes)
    if (this.#covered.length > MAX_RESPONSE_BYTES) {
      this.#refuse(`a stream of more than ${MAX_RESPONSE_BYTES} bytes`)
    }
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

  #judge(receipt: ReceivedAnswer['receipt']): VerifiedAnswer {
    const { usage } = this.#facts
    return judgeAnswer(
      {
        receipt,
        responseHash: this.#covered.digest(),
        responseBytes: this.#covered.length,
        ...(usage === undefined ? {} : { statedUsage: usage }),
      },
      this.#context,
    )
  }
}
