import { attestationInvalid, type ByteSource } from './byte-source.ts'

/** Tags of one MessagePack type: values inside the tag, and lengths of 1, 2 or 4 bytes behind one. */
interface Tags {
  readonly what: string
  /** First tag that holds its value itself, and how many there are. */
  readonly fixed?: readonly [tag: number, count: number]
  readonly one?: number
  readonly two: number
  readonly four: number
}

const UNSIGNED: Tags = { what: 'an integer', fixed: [0x00, 128], one: 0xcc, two: 0xcd, four: 0xce }
const TEXT: Tags = { what: 'text', fixed: [0xa0, 32], one: 0xd9, two: 0xda, four: 0xdb }
const BINARY: Tags = { what: 'bytes', one: 0xc4, two: 0xc5, four: 0xc6 }
const ARRAY: Tags = { what: 'an array', fixed: [0x90, 16], two: 0xdc, four: 0xdd }
const MAP: Tags = { what: 'a map', fixed: [0x80, 16], two: 0xde, four: 0xdf }

/**
 * Reads the MessagePack that dstack writes. Every read says which type must come, so nothing is nested deeper than
 * the code that reads it. Integers and lengths are in their shortest form, as its encoder writes them.
 */
export class MessagePackReader {
  readonly #source: ByteSource

  constructor(source: ByteSource) {
    this.#source = source
  }

  /** An unsigned integer of at most 32 bits. */
  unsigned(place: string): number {
    return this.#head(UNSIGNED, place)
  }

  text(place: string): string {
    return this.#source.text(this.#head(TEXT, place), place)
  }

  binary(place: string): Uint8Array {
    return this.#source.bytes(this.#head(BINARY, place), place)
  }

  list<Item>(place: string, maxItems: number, item: (place: string) => Item): readonly Item[] {
    const count = this.#head(ARRAY, place)
    if (count > maxItems) throw attestationInvalid(place, `more than ${maxItems} items`)
    return Array.from({ length: count }, (_, index) => item(`${place}[${index}]`))
  }

  /** Bytes that are written as an array of integers, as serde does with a plain `Vec<u8>`. */
  byteList(place: string, maxItems: number): Uint8Array {
    return Uint8Array.from(
      this.list(place, maxItems, () => {
        const value = this.unsigned(place)
        if (value > 0xff) throw attestationInvalid(place, `expected bytes, got ${value}`)
        return value
      }),
    )
  }

  map(place: string): MapReader {
    return new MapReader(this, place, this.#head(MAP, place))
  }

  #head({ what, fixed, one, two, four }: Tags, place: string): number {
    const tag = this.#source.byte(place)
    if (fixed !== undefined && tag >= fixed[0] && tag < fixed[0] + fixed[1]) return tag - fixed[0]
    const limit = fixed?.[1] ?? 0
    if (tag === one) return this.#integer(1, limit, place)
    if (tag === two) return this.#integer(2, one === undefined ? limit : 2 ** 8, place)
    if (tag === four) return this.#integer(4, 2 ** 16, place)
    throw attestationInvalid(place, `expected ${what}, got tag ${tag}`)
  }

  #integer(length: 1 | 2 | 4, least: number, place: string): number {
    let value = 0
    for (let index = 0; index < length; index++) value = value * 256 + this.#source.byte(place)
    if (value < least) throw attestationInvalid(place, 'a number that is not in its shortest form')
    return value
  }
}

/** Reads the members of one map in the order in which dstack writes them, so none can stand twice. */
export class MapReader {
  readonly #reader: MessagePackReader
  readonly #place: string
  #left: number
  #pending: string | undefined

  constructor(reader: MessagePackReader, place: string, members: number) {
    this.#reader = reader
    this.#place = place
    this.#left = members
  }

  /** Whether the next member has this name; then its value comes next. */
  next(name: string): boolean {
    if (this.#pending === undefined) {
      if (this.#left === 0) return false
      this.#left--
      this.#pending = this.#reader.text(`${this.#place}, a name`)
    }
    if (this.#pending !== name) return false
    this.#pending = undefined
    return true
  }

  /** Demands the member; returns its place. */
  member(name: string): string {
    const place = this.#place === '' ? name : `${this.#place}.${name}`
    if (!this.next(name)) throw attestationInvalid(place, 'missing, or not in its place')
    return place
  }

  /** Refuses members that were not asked for: unknown ones, and the second of two. */
  end(): void {
    if (this.#pending !== undefined || this.#left > 0) {
      throw attestationInvalid(this.#place, 'an unknown or doubled member')
    }
  }
}
