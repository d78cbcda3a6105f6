/** Bytes of an answer as they arrive, for one reader. They have to be read to their end, or given up. */
export interface AnswerBody extends AsyncIterable<Uint8Array> {
  /** Whether the last byte was handed out, where that is known before the next is asked for. */
  readonly isOver?: boolean
  /** Gives up what was not read, and the connection with it. */
  destroy(): void
}

/** Where a body comes from. */
export interface BodySource {
  pause(): void
  resume(): void
  abort(reason: Error): void
}

/** What is held for a reader that is behind, before the source is told to wait. */
const MAX_HELD_BYTES = 64 * 1024

/** A body that whoever receives it fills. What arrived before it is read costs neither event nor timer. */
export class ArrivingBody implements AnswerBody, AsyncIterator<Uint8Array, undefined> {
  readonly #source: BodySource
  #pieces: Uint8Array[] = []
  #heldBytes = 0
  #isWhole = false
  #error: Error | undefined
  #reader: PromiseWithResolvers<IteratorResult<Uint8Array, undefined>> | undefined

  constructor(source: BodySource) {
    this.#source = source
  }

  get isOver(): boolean {
    return this.#isWhole && this.#pieces.length === 0
  }

  push(piece: Uint8Array): void {
    if (this.#reader !== undefined) {
      this.#reader.resolve({ done: false, value: piece })
      this.#reader = undefined
      return
    }
    this.#pieces.push(piece)
    this.#heldBytes += piece.length
    if (this.#heldBytes >= MAX_HELD_BYTES) this.#source.pause()
  }

  end(): void {
    this.#isWhole = true
    this.#reader?.resolve(DONE)
    this.#reader = undefined
  }

  fail(error: Error): void {
    this.#error ??= error
    this.#reader?.reject(error)
    this.#reader = undefined
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const [piece] = this.#pieces
    if (piece !== undefined) {
      // What has come together is handled once, however many pieces the sender made of it.
      const value = this.#pieces.length === 1 ? piece : Buffer.concat(this.#pieces, this.#heldBytes)
      this.#pieces = []
      this.#heldBytes = 0
      return { done: false, value }
    }
    if (this.#error !== undefined) throw this.#error
    if (this.#isWhole) return DONE
    this.#reader = withResolvers()
    this.#source.resume()
    return this.#reader.promise
  }

  /** A reader that stops early gives up the rest. */
  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.destroy()
    return DONE
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  destroy(): void {
    if (this.#isWhole) return
    const error = new Error('body: given up')
    this.#pieces = []
    this.#source.abort(error)
    this.fail(error)
  }
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined }

interface PromiseWithResolvers<Value> {
  readonly promise: Promise<Value>
  readonly resolve: (value: Value) => void
  readonly reject: (error: Error) => void
}

function withResolvers<Value>(): PromiseWithResolvers<Value> {
  let resolve: (value: Value) => void = () => undefined
  let reject: (error: Error) => void = () => undefined
  const promise = new Promise<Value>((own, refuse) => {
    resolve = own
    reject = refuse
  })
  return { promise, resolve, reject }
}

/** A whole body, or undefined when it is longer than `max` bytes, and given up then. Rejects where it breaks off. */
export async function readWhole(
  body: AnswerBody,
  max: number,
): Promise<Buffer<ArrayBuffer> | undefined> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of body) {
    length += part.length
    if (length > max) {
      body.destroy()
      return undefined
    }
    parts.push(part)
  }
  const [first] = parts
  const isWhole = parts.length === 1 && Buffer.isBuffer(first)
  return isWhole ? (first as Buffer<ArrayBuffer>) : Buffer.concat(parts, length)
}
