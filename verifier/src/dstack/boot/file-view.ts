import { VerifierError, type VerifierErrorCode } from '../../errors.ts'

/** Little-endian reads at places that the file itself names, so each is checked against the file's end. */
export class FileView {
  readonly length: number
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #code: VerifierErrorCode
  readonly #file: string

  constructor(bytes: Uint8Array, code: VerifierErrorCode, file: string) {
    this.length = bytes.length
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#code = code
    this.#file = file
  }

  /** A view of `[start, end)`. */
  slice(start: number, end: number, field: string): Uint8Array {
    this.#within(start, end, field)
    return this.#bytes.subarray(start, end)
  }

  /** Unsigned 16-bit integer. */
  uint16(at: number, field: string): number {
    this.#within(at, at + 2, field)
    return this.#view.getUint16(at, true)
  }

  /** Unsigned 32-bit integer. */
  uint32(at: number, field: string): number {
    this.#within(at, at + 4, field)
    return this.#view.getUint32(at, true)
  }

  /** Unsigned 64-bit integer. */
  uint64(at: number, field: string): bigint {
    this.#within(at, at + 8, field)
    return this.#view.getBigUint64(at, true)
  }

  /** The refusal of this file. */
  refusal(what: string): VerifierError {
    return new VerifierError(this.#code, `${this.#file}: ${what}`)
  }

  #within(start: number, end: number, field: string): void {
    if (start < 0 || end < start || end > this.length) {
      throw this.refusal(`${field} at ${start} to ${end}, of ${this.length} bytes`)
    }
  }
}
