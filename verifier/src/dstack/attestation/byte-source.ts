import { decodeUtf8 } from '../../bytes/bytes.ts'
import { VerifierError } from '../../errors.ts'
import { ProtocolError } from '../../protocol/protocol-error.ts'

/** Refusal of an attestation bundle that is not of the documented form. */
export function attestationInvalid(place: string, what: string): VerifierError {
  return new VerifierError('ATTESTATION_INVALID', `attestation.${place}: ${what}`)
}

/** Bytes that are read once, front to back. What a read returns is a copy and keeps nothing of the input alive. */
export class ByteSource {
  readonly #input: Uint8Array
  #next = 0

  constructor(input: Uint8Array) {
    this.#input = input
  }

  /** The next byte, left unread; undefined at the end. */
  peek(): number | undefined {
    return this.#input[this.#next]
  }

  byte(place: string): number {
    return this.#input[this.#advance(1, place)] ?? 0
  }

  bytes(length: number, place: string): Uint8Array<ArrayBuffer> {
    const start = this.#advance(length, place)
    return new Uint8Array(this.#input.subarray(start, this.#next))
  }

  text(length: number, place: string): string {
    try {
      return decodeUtf8(this.bytes(length, place))
    } catch (cause) {
      if (!(cause instanceof ProtocolError)) throw cause
      throw attestationInvalid(place, 'not well-formed UTF-8')
    }
  }

  /** Refuses anything unread. */
  end(): void {
    const left = this.#input.length - this.#next
    if (left > 0) {
      throw new VerifierError('INPUT_TRAILING', `attestation: ${left} bytes behind the last field`)
    }
  }

  /** Takes so many bytes; returns where they start. */
  #advance(length: number, place: string): number {
    const start = this.#next
    const have = this.#input.length - start
    if (length > have) {
      throw new VerifierError(
        'INPUT_TRUNCATED',
        `attestation.${place} at ${start}: need ${length} bytes, have ${have}`,
      )
    }
    this.#next = start + length
    return start
  }
}
