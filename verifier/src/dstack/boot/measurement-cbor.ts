import { decodeUtf8 } from '../../bytes/bytes.ts'
import { VerifierError } from '../../errors.ts'

/** What a measurement document is made of. */
export type MeasurementValue =
  number | boolean | string | Uint8Array | ReadonlyMap<string, MeasurementValue>

const UNSIGNED = 0
const BYTES = 2
const TEXT = 3
const MAP = 5
const SIMPLE = 7
const FALSE = 20
const TRUE = 21
const MAX_DEPTH = 4
const MAX_ENTRIES = 16

/**
 * Reads the CBOR subset of measurement documents (RFC 8949): maps with text keys, byte and text strings, unsigned
 * numbers, booleans, with lengths of at most 16 bits. Longer heads than needed, doubled keys and trailing bytes are
 * refused. Keys keep the document's order, which is not the deterministic one of RFC 8949 §4.2.
 * @throws VerifierError `MEASUREMENT_INVALID`, ProtocolError `INPUT_UTF8`
 */
export function readMeasurementCbor(bytes: Uint8Array): MeasurementValue {
  const reader = new Reader(bytes)
  const value = reader.value(0)
  reader.end()
  return value
}

class Reader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  value(depth: number): MeasurementValue {
    const initial = this.#byte()
    const info = initial & 0x1f
    switch (initial >> 5) {
      case UNSIGNED:
        return this.#argument(info)
      case BYTES:
        return this.#take(this.#argument(info)).slice()
      case TEXT:
        return decodeUtf8(this.#take(this.#argument(info)), 'measurement document')
      case MAP:
        return this.#map(this.#argument(info), depth)
      case SIMPLE:
        if (info === FALSE || info === TRUE) return info === TRUE
    }
    throw invalid(`0x${initial.toString(16)} at ${this.#at - 1}`)
  }

  end(): void {
    const rest = this.#bytes.length - this.#at
    if (rest > 0) throw invalid(`${rest} bytes behind the document`)
  }

  #map(entries: number, depth: number): MeasurementValue {
    if (depth >= MAX_DEPTH || entries > MAX_ENTRIES) throw invalid('too deep or too large a map')
    const map = new Map<string, MeasurementValue>()
    for (let index = 0; index < entries; index++) {
      const key = this.value(MAX_DEPTH)
      if (typeof key !== 'string') throw invalid('a key that is no text')
      if (map.has(key)) throw invalid(`key ${key} twice`)
      map.set(key, this.value(depth + 1))
    }
    return map
  }

  #argument(info: number): number {
    if (info < 24) return info
    const length = info === 24 ? 1 : info === 25 ? 2 : 0
    if (length === 0) throw invalid('a length of more than 16 bits, or none')
    const value = this.#take(length).reduce((sum, byte) => sum * 256 + byte, 0)
    if (value < (length === 1 ? 24 : 256)) throw invalid('a longer head than needed')
    return value
  }

  #byte(): number {
    const [byte = 0] = this.#take(1)
    return byte
  }

  #take(length: number): Uint8Array {
    const end = this.#at + length
    if (end > this.#bytes.length) throw invalid(`ends inside a value at ${this.#at}`)
    const taken = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return taken
  }
}

function invalid(what: string): VerifierError {
  return new VerifierError('MEASUREMENT_INVALID', `measurement document: ${what}`)
}
