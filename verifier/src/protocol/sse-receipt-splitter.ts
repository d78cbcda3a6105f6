import { concatBytes, decodeUtf8, utf8 } from '../bytes/bytes.ts'
import { MAX_HEADER_BYTES } from './limits.ts'
import { ProtocolError } from './protocol-error.ts'
import { TERMINAL_EVENTS, type StreamKind } from './prompt-endpoints.ts'
import {
  parseReceiptFrame,
  RECEIPT_FRAME_STARTS,
  STREAM_END,
  type FramedReceipt,
} from './receipt-frame.ts'

const NEWLINE = 0x0a
const EMPTY = new Uint8Array(0)
/** A frame longer than this is no piece of an answer. */
const MAX_FRAME_BYTES = 1024 * 1024
const MAX_RECEIPT_BYTES = MAX_HEADER_BYTES * 2

/** The end of a verified stream: its receipt, and the bytes that carry it. */
export interface StreamEnd extends FramedReceipt {
  /** The event that ends the answer, where the stream has one: covered, and to be given out after verification. */
  readonly held: Uint8Array<ArrayBuffer>
  /** Receipt frame and what follows it, exactly as received; to be forwarded after verification. */
  readonly tail: Uint8Array<ArrayBuffer>
}

/**
 * Separates the bytes a stream's receipt covers from the receipt frame and what follows it, at any chunking. Only
 * whole frames are given out; from the event that ends the answer, or the receipt frame, on nothing is.
 */
export class SseReceiptSplitter {
  readonly #kind: StreamKind
  readonly #start: Uint8Array
  /** Beginnings of the frames that nothing is given out from. */
  readonly #lasts: readonly Uint8Array[]
  readonly #maxTail: number
  #pending: Uint8Array<ArrayBuffer> = EMPTY
  #tail: Uint8Array<ArrayBuffer> | undefined

  constructor(kind: StreamKind = 'chat') {
    this.#kind = kind
    const terminal = TERMINAL_EVENTS[kind].map((name) => utf8(`event: ${name}\n`))
    this.#start = utf8(RECEIPT_FRAME_STARTS[kind])
    this.#lasts = [this.#start, ...terminal]
    this.#maxTail = MAX_RECEIPT_BYTES + (terminal.length === 0 ? 0 : MAX_FRAME_BYTES)
  }

  /** Takes bytes off the wire; returns the covered bytes that are complete frames. */
  push(chunk: Uint8Array): Uint8Array<ArrayBuffer> {
    if (this.#tail !== undefined) {
      this.#tail = this.#grow(this.#tail, chunk, this.#maxTail)
      return EMPTY
    }
    const bytes = this.#grow(this.#pending, chunk, MAX_FRAME_BYTES + chunk.length)
    const covered = this.#coveredLength(bytes)
    const given = bytes.subarray(0, covered)
    const rest = bytes.subarray(covered)
    if (this.#isLast(rest, 0)) {
      this.#tail = this.#grow(EMPTY, rest, this.#maxTail)
      this.#pending = EMPTY
    } else {
      if (rest.length > MAX_FRAME_BYTES) {
        throw new ProtocolError(
          'INPUT_TOO_LARGE',
          `stream frame: more than ${MAX_FRAME_BYTES} bytes`,
        )
      }
      // What was given out is the caller's; of what is kept nothing else holds a part.
      this.#pending = rest.slice()
    }
    return given
  }

  /** At the end of the stream: the receipt. Throws `INPUT_STREAM` when it is missing, doubled or not last. */
  end(): StreamEnd {
    if (this.#tail === undefined) {
      throw new ProtocolError('INPUT_STREAM', 'stream: ended without a receipt')
    }
    const held = this.#heldLength(this.#tail)
    const tail = this.#tail.slice(held)
    const text = decodeUtf8(tail, 'stream')
    const delimiter = text.indexOf('\n\n')
    const isReceipt = text.startsWith(RECEIPT_FRAME_STARTS[this.#kind]) && delimiter !== -1
    if (!isReceipt || text.slice(delimiter + 2) !== STREAM_END[this.#kind]) {
      throw new ProtocolError(
        'INPUT_STREAM',
        'stream: expected exactly the receipt frame and its end at the end',
      )
    }
    const framed = parseReceiptFrame(text.slice(0, delimiter), this.#kind)
    return { ...framed, held: this.#tail.slice(0, held), tail }
  }

  /** Length of the event that ends the answer, which a stream of events cannot lack. */
  #heldLength(tail: Uint8Array): number {
    if (TERMINAL_EVENTS[this.#kind].length === 0) return 0
    const end = startsWith(tail, this.#start, 0) ? -1 : endOfFrame(tail, 0)
    if (end !== -1) return end
    throw new ProtocolError('INPUT_STREAM', 'stream: ended without the event that ends an answer')
  }

  /** Whether nothing is given out from the frame that begins there. */
  #isLast(bytes: Uint8Array, from: number): boolean {
    return this.#lasts.some((start) => startsWith(bytes, start, from))
  }

  /** Length of the leading whole frames that are not the receipt frame. */
  #coveredLength(bytes: Uint8Array): number {
    let frameStart = 0
    for (let end = endOfFrame(bytes, 0); end !== -1; end = endOfFrame(bytes, end)) {
      if (this.#isLast(bytes, frameStart)) return frameStart
      frameStart = end
    }
    return frameStart
  }

  #grow(held: Uint8Array<ArrayBuffer>, more: Uint8Array, max: number): Uint8Array<ArrayBuffer> {
    if (held.length + more.length > max) {
      throw new ProtocolError('INPUT_TOO_LARGE', `stream: more than ${max} bytes held`)
    }
    return concatBytes(held, more)
  }
}

/** Where the frame that begins there ends, behind its delimiter of two new line ends; -1 when it is not whole. */
function endOfFrame(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(NEWLINE, from); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) {
    if (bytes[at + 1] === NEWLINE) return at + 2
  }
  return -1
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array, from: number): boolean {
  if (bytes.length - from < prefix.length) return false
  for (let at = 0; at < prefix.length; at++) {
    if (bytes[from + at] !== prefix[at]) return false
  }
  return true
}
