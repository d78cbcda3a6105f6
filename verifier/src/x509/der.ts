import { utcTime } from '../bytes/calendar.ts'

/** DER tags this package reads (X.690). */
export const DER = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectId: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  printableString: 0x13,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  explicit0: 0xa0,
  explicit3: 0xa3,
} as const

/** Bytes that are not the one DER form of what is expected there. */
export class DerError extends Error {
  override readonly name = 'DerError'
}

/** Longest length field: 3 bytes, contents up to 16 MiB. */
const MAX_LENGTH_BYTES = 3

/**
 * Reads the elements of a constructed value front to back; lengths in shortest form only (X.690 §10.1). Readers of
 * inner values share the input and hold positions, so that nothing is copied or viewed before it is asked for.
 */
export class DerReader {
  readonly #bytes: Uint8Array
  readonly #place: string
  readonly #end: number
  #at: number

  constructor(bytes: Uint8Array, place: string, from = 0, end: number = bytes.length) {
    this.#bytes = bytes
    this.#place = place
    this.#at = from
    this.#end = end
  }

  /** Whether nothing is left. */
  get done(): boolean {
    return this.#at === this.#end
  }

  /** Tag of the next element; undefined at the end. */
  get tag(): number | undefined {
    return this.done ? undefined : this.#bytes[this.#at]
  }

  /** Content of the next element, which must have that tag. */
  content(tag: number, field: string): Uint8Array {
    const from = this.#enter(tag, field)
    return this.#bytes.subarray(from, this.#at)
  }

  /** The next element whole, as it stands in the input. */
  whole(tag: number, field: string): Uint8Array {
    const start = this.#at
    this.#enter(tag, field)
    return this.#bytes.subarray(start, this.#at)
  }

  /** The elements inside the next one. */
  inside(tag: number, field: string): DerReader {
    const from = this.#enter(tag, field)
    return new DerReader(this.#bytes, field, from, this.#at)
  }

  /** What is left, unread. */
  rest(): Uint8Array {
    return this.#bytes.subarray(this.#at, this.#end)
  }

  /** Refuses whatever is left. */
  end(): void {
    if (!this.done) throw new DerError(`${this.#place}: something behind the last element`)
  }

  /** Steps over the next element; gives where its content starts. */
  #enter(tag: number, field: string): number {
    const bytes = this.#bytes
    const start = this.#at
    if (this.tag !== tag) {
      throw this.#wrong(field, `expected tag ${tag}, got ${this.tag ?? 'nothing'}`)
    }
    if (start + 1 >= this.#end) throw this.#wrong(field, 'no length')
    const first = bytes[start + 1] ?? 0
    let from = start + 2
    let length = first
    if (first >= 0x80) {
      const digits = first & 0x7f
      if (digits < 1 || digits > MAX_LENGTH_BYTES) throw this.#wrong(field, 'length of length')
      length = 0
      for (const end = from + digits; from < end; from++) length = length * 256 + (bytes[from] ?? 0)
      const shortest = length < 0x80 ? 0 : length < 0x100 ? 1 : length < 0x10000 ? 2 : 3
      if (digits !== shortest) throw this.#wrong(field, 'length not in shortest form')
    }
    if (from + length > this.#end) throw this.#wrong(field, 'ends after its parent')
    this.#at = from + length
    return from
  }

  #wrong(field: string, what: string): DerError {
    return new DerError(`${this.#place}.${field}: ${what}`)
  }
}

/** Content of an INTEGER that is not negative, in shortest form, without the sign byte. */
export function unsignedInteger(content: Uint8Array, place: string): Uint8Array {
  const [first, second] = content
  if (first === undefined) throw new DerError(`${place}: empty integer`)
  if (first >= 0x80) throw new DerError(`${place}: negative`)
  if (first !== 0 || content.length === 1) return content
  if ((second ?? 0) < 0x80) throw new DerError(`${place}: not in shortest form`)
  return content.subarray(1)
}

/** Value of a small unsigned INTEGER. */
export function smallInteger(content: Uint8Array, max: number, place: string): number {
  const bytes = unsignedInteger(content, place)
  const value = bytes.length > 4 ? Infinity : bytes.reduce((sum, byte) => sum * 256 + byte, 0)
  if (value > max) throw new DerError(`${place}: expected at most ${max}`)
  return value
}

/** BOOLEAN: DER knows one byte for true and one for false (X.690 §11.1). */
export function booleanValue(content: Uint8Array, place: string): boolean {
  if (content.length !== 1 || (content[0] !== 0x00 && content[0] !== 0xff)) {
    throw new DerError(`${place}: not a boolean`)
  }
  return content[0] === 0xff
}

/** Dotted form of an OBJECT IDENTIFIER. */
export function objectId(content: Uint8Array, place: string): string {
  let text = ''
  let arc = 0
  for (const byte of content) {
    if (arc === 0 && byte === 0x80) throw new DerError(`${place}: not in shortest form`)
    arc = arc * 128 + (byte & 0x7f)
    if (arc > Number.MAX_SAFE_INTEGER) throw new DerError(`${place}: arc too large`)
    if (byte >= 0x80) continue
    if (text === '') {
      // The first two arcs share an octet: the first is at most 2, and the second below 40 under 0 and 1.
      const root = Math.min(Math.floor(arc / 40), 2)
      text = `${root}.${arc - root * 40}`
    } else text += `.${arc}`
    arc = 0
  }
  if (text === '') throw new DerError(`${place}: empty`)
  if ((content.at(-1) ?? 0) >= 0x80) throw new DerError(`${place}: ends inside an arc`)
  return text
}

/** Unix milliseconds of the next element, a Time in the forms of RFC 5280 §4.1.2.5. */
export function readTime(from: DerReader, field: string): number {
  const isUtc = from.tag === DER.utcTime
  const text = from.content(isUtc ? DER.utcTime : DER.generalizedTime, field)
  const yearDigits = isUtc ? 2 : 4
  const isWhole = text.length === yearDigits + 11 && text.at(-1) === 0x5a // Z
  const short = digits(text, 0, yearDigits)
  const year = isUtc ? short + (short >= 50 ? 1900 : 2000) : short
  const pair = (index: number): number => digits(text, yearDigits + 2 * index, 2)
  const time = isWhole ? utcTime(year, pair(0), pair(1), pair(2), pair(3), pair(4)) : undefined
  if (time === undefined) throw new DerError(`${field}: not a time`)
  return time
}

/** Value of ASCII digits; NaN for anything else. */
function digits(bytes: Uint8Array, at: number, count: number): number {
  let value = 0
  for (let index = at; index < at + count; index++) {
    const digit = (bytes[index] ?? 0) - 0x30
    if (digit < 0 || digit > 9) return Number.NaN
    value = value * 10 + digit
  }
  return value
}
