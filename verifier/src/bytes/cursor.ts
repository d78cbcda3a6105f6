import { VerifierError } from '../errors.ts'

/**
 * Reads a fixed layout front to back. Each read states the offset the specification gives; it must be the next
 * unread byte, so code and table cannot drift apart. Integers are little-endian, as everywhere in a quote.
 */
export class Cursor {
  readonly #input: Uint8Array
  readonly #place: string
  #next = 0

  constructor(input: Uint8Array, place: string) {
    this.#input = input
    this.#place = place
  }

  /** Offset of the next unread byte. */
  get offset(): number {
    return this.#next
  }

  /** Number of unread bytes. */
  get remaining(): number {
    return this.#input.length - this.#next
  }

  /** A view of `length` bytes. */
  bytes(offset: number, length: number, field: string): Uint8Array {
    if (offset !== this.#next) {
      throw new VerifierError(
        'INPUT_LAYOUT',
        `${this.#place}.${field}: stated offset ${offset}, next unread byte ${this.#next}`,
      )
    }
    if (length > this.remaining) {
      throw new VerifierError(
        'INPUT_TRUNCATED',
        `${this.#place}.${field} at ${offset}: need ${length} bytes, have ${this.remaining}`,
      )
    }
    this.#next += length
    return this.#input.subarray(offset, offset + length)
  }

  /** Unsigned 16-bit integer. */
  uint16(offset: number, field: string): number {
    const [low = 0, high = 0] = this.bytes(offset, 2, field)
    return low | (high << 8)
  }

  /** Unsigned 32-bit integer. */
  uint32(offset: number, field: string): number {
    const view = this.bytes(offset, 4, field)
    return new DataView(view.buffer, view.byteOffset, 4).getUint32(0, true)
  }

  /** Everything unread. */
  rest(field: string): Uint8Array {
    return this.bytes(this.#next, this.remaining, field)
  }

  /** Refuses anything unread. */
  end(): void {
    if (this.remaining > 0) {
      throw new VerifierError(
        'INPUT_TRAILING',
        `${this.#place}: ${this.remaining} bytes behind the last field`,
      )
    }
  }
}
