import { concatBytes } from '@jeju/verifier/protocol'

/** Longest beginning of a UTF-8 character that lacks bytes. */
const MAX_INCOMPLETE_BYTES = 3

/** Decodes UTF-8 that arrives in pieces cut anywhere, and hands out whole characters only. */
export class Utf8Pieces {
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  #tail = new Uint8Array(0)

  /** Adds bytes and returns the characters that are complete now; often none. */
  push(bytes: Uint8Array): string {
    this.#tail = concatBytes(this.#tail, bytes).slice(-MAX_INCOMPLETE_BYTES)
    return this.#decoder.decode(bytes, { stream: true })
  }

  /** True while the last character lacks bytes. */
  get incomplete(): boolean {
    const fromEnd = this.#tail.toReversed().findIndex((byte) => !isContinuation(byte))
    const lead = this.#tail.at(-1 - fromEnd)
    return fromEnd >= 0 && lead !== undefined && characterBytes(lead) > fromEnd + 1
  }

  /** The rest: U+FFFD for a character that never became complete. */
  end(): string {
    return this.#decoder.decode()
  }
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80
}

/** Bytes of the character that begins with this one. */
function characterBytes(lead: number): number {
  if (lead >= 0xf0) return 4
  if (lead >= 0xe0) return 3
  return lead >= 0xc0 ? 2 : 1
}
