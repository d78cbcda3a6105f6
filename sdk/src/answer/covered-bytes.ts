import { createResponseHasher, type Hex, type ResponseHasher } from '@jeju/verifier/protocol'
import type { AnswerPiece } from '../sealing/sealed-exchange.ts'

/**
 * The bytes of a stream that its receipt covers, as they were on the wire. A sealed piece is covered whole or not at
 * all (docs/protocol.md §10), so it waits until all of its text is known to stand before the receipt.
 */
export class CoveredBytes {
  readonly #hasher: ResponseHasher
  readonly #framed: boolean
  #waiting: { readonly end: number; readonly wire: Uint8Array }[] = []
  #arrived = 0
  #hashed = 0
  #length = 0

  constructor(salt: Hex, framed: boolean) {
    this.#hasher = createResponseHasher(salt)
    this.#framed = framed
  }

  /** Covered so far, as plain text. */
  get length(): number {
    return this.#length
  }

  /** Whether nothing is covered in part. */
  get isWhole(): boolean {
    return this.#hashed === this.#length
  }

  /** A piece is there; what of it is covered is told next. */
  arrived({ plain, wire }: AnswerPiece): void {
    if (!this.#framed) return
    this.#arrived += plain.length
    this.#waiting.push({ end: this.#arrived, wire })
  }

  /** The next bytes in order are covered. */
  cover(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#length += bytes.length
    if (!this.#framed) {
      this.#hasher.update(bytes)
      this.#hashed = this.#length
      return
    }
    const whole = this.#waiting.filter(({ end }) => end <= this.#length)
    for (const { end, wire } of whole) {
      this.#hasher.update(wire)
      this.#hashed = end
    }
    this.#waiting = this.#waiting.slice(whole.length)
  }

  /** Hash for the receipt; nothing is covered after it. */
  digest(): Hex {
    return this.#hasher.digest()
  }
}
