import { concatBytes, decodeUtf8, utf8 } from '../bytes/bytes.ts'
import type { ComputeReceipt } from './compute-receipt.ts'
import { MAX_HEADER_BYTES } from './limits.ts'
import { ProtocolError } from './protocol-error.ts'
import { DONE_FRAME, parseReceiptFrame, RECEIPT_FRAME_START } from './receipt-frame.ts'

const NEWLINE = 0x0a
const START = utf8(RECEIPT_FRAME_START)
/** A frame longer than this is no chat completion chunk. */
const MAX_FRAME_BYTES = 1024 * 1024

/** The end of a verified stream: its receipt, and the bytes that carry it. */
export interface StreamEnd {
  readonly receipt: ComputeReceipt
  /** Receipt frame and `[DONE]`, exactly as received; to be forwarded after verification. */
  readonly tail: Uint8Array<ArrayBuffer>
}

/**
 * Separates the bytes a stream's receipt covers from the receipt frame and `[DONE]` behind them, at any chunking.
 * Only whole frames are given out; from the receipt frame on nothing is.
 */
export class SseReceiptSplitter {
  #pending: Uint8Array<ArrayBuffer> = new Uint8Array(0)
  #tail: Uint8Array<ArrayBuffer> | undefined

  /** Takes bytes off the wire; returns the covered bytes that are complete frames. */
  push(chunk: Uint8Array): Uint8Array<ArrayBuffer> {
    if (this.#tail !== undefined) {
      this.#tail = this.#grow(this.#tail, chunk, MAX_HEADER_BYTES * 2)
      return new Uint8Array(0)
    }
    this.#pending = this.#grow(this.#pending, chunk, MAX_FRAME_BYTES + chunk.length)
    const covered = this.#coveredLength()
    const given = this.#pending.slice(0, covered)
    const rest = this.#pending.slice(covered)
    if (startsWith(rest, START)) {
      this.#tail = this.#grow(new Uint8Array(0), rest, MAX_HEADER_BYTES * 2)
      this.#pending = new Uint8Array(0)
    } else {
      if (rest.length > MAX_FRAME_BYTES) {
        throw new ProtocolError(
          'INPUT_TOO_LARGE',
          `stream frame: more than ${MAX_FRAME_BYTES} bytes`,
        )
      }
      this.#pending = rest
    }
    return given
  }

  /** At the end of the stream: the receipt. Throws `INPUT_STREAM` when it is missing, doubled or not last. */
  end(): StreamEnd {
    if (this.#tail === undefined) {
      throw new ProtocolError('INPUT_STREAM', 'stream: ended without a receipt')
    }
    const text = decodeUtf8(this.#tail, 'stream')
    const delimiter = text.indexOf('\n\n')
    if (delimiter === -1 || text.slice(delimiter + 2) !== DONE_FRAME) {
      throw new ProtocolError(
        'INPUT_STREAM',
        'stream: expected exactly the receipt frame and [DONE] at the end',
      )
    }
    return { receipt: parseReceiptFrame(text.slice(0, delimiter)), tail: this.#tail }
  }

  /** Length of the leading whole frames that are not the receipt frame. */
  #coveredLength(): number {
    const bytes = this.#pending
    let frameStart = 0
    for (let at = 1; at < bytes.length; at++) {
      if (bytes[at] !== NEWLINE || bytes[at - 1] !== NEWLINE) continue
      if (startsWith(bytes.subarray(frameStart), START)) return frameStart
      frameStart = at + 1
      at++ // the next delimiter needs two new line ends
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

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return bytes.length >= prefix.length && prefix.every((byte, index) => bytes[index] === byte)
}
