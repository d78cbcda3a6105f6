import { attestationInvalid, type ByteSource } from './byte-source.ts'

/** Reads SCALE (the encoding of dstack's version 0 bundles): compact lengths, little-endian integers. */
export class ScaleReader {
  readonly #source: ByteSource

  constructor(source: ByteSource) {
    this.#source = source
  }

  uint32(place: string): number {
    const bytes = this.#source.bytes(4, place)
    return new DataView(bytes.buffer).getUint32(0, true)
  }

  /**
   * A compact integer: the low two bits of the first byte give its size. As in SCALE itself, a value must be in its
   * shortest form; the fourth size, for integers beyond 30 bits, has no use here and is refused.
   */
  compact(place: string): number {
    const first = this.#source.peek() ?? 0
    switch (first & 3) {
      case 0:
        return this.#source.byte(place) >> 2
      case 1: {
        const [low = 0, high = 0] = this.#source.bytes(2, place)
        return shortest((low | (high << 8)) >> 2, 2 ** 6, place)
      }
      case 2:
        return shortest(this.uint32(place) >>> 2, 2 ** 14, place)
      default:
        throw attestationInvalid(place, 'a length beyond 30 bits')
    }
  }

  bytes(place: string): Uint8Array {
    return this.#source.bytes(this.compact(place), place)
  }

  text(place: string): string {
    return this.#source.text(this.compact(place), place)
  }

  list<Item>(place: string, maxItems: number, item: (place: string) => Item): readonly Item[] {
    const count = this.compact(place)
    if (count > maxItems) throw attestationInvalid(place, `more than ${maxItems} items`)
    return Array.from({ length: count }, (_, index) => item(`${place}[${index}]`))
  }
}

function shortest(value: number, least: number, place: string): number {
  if (value < least) throw attestationInvalid(place, 'a length that is not in its shortest form')
  return value
}
