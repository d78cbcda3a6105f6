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

/** One element: its content, and the whole of it as it stands in the input. */
export interface DerElement {
  readonly tag: number
  readonly content: Uint8Array
  readonly raw: Uint8Array
}

/** Bytes that are not the one DER form of what is expected there. */
export class DerError extends Error {
  override readonly name = 'DerError'
}

/** Longest length field: 3 bytes, contents up to 16 MiB. */
const MAX_LENGTH_BYTES = 3

/** Reads the elements of a constructed value front to back; lengths in shortest form only (X.690 §10.1). */
export class DerReader {
  readonly #bytes: Uint8Array
  readonly #place: string
  #at = 0

  constructor(bytes: Uint8Array, place: string) {
    this.#bytes = bytes
    this.#place = place
  }

  /** Whether nothing is left. */
  get done(): boolean {
    return this.#at === this.#bytes.length
  }

  /** Tag of the next element; undefined at the end. */
  get tag(): number | undefined {
    return this.#bytes[this.#at]
  }

  /** The next element, which must have that tag. */
  element(tag: number, field: string): DerElement {
    const bytes = this.#bytes
    const start = this.#at
    if (bytes[start] !== tag) {
      throw this.#wrong(field, `expected tag ${tag}, got ${bytes[start] ?? 'nothing'}`)
    }
    const first = bytes[start + 1]
    if (first === undefined) throw this.#wrong(field, 'no length')
    let length = first
    let from = start + 2
    if (first >= 0x80) {
      const digits = first & 0x7f
      if (digits < 1 || digits > MAX_LENGTH_BYTES) throw this.#wrong(field, 'length of length')
      length = 0
      for (const byte of bytes.subarray(from, from + digits)) length = length * 256 + byte
      from += digits
      const shortest = length < 0x80 ? 0 : length < 0x100 ? 1 : length < 0x10000 ? 2 : 3
      if (digits !== shortest) throw this.#wrong(field, 'length not in shortest form')
    }
    const end = from + length
    if (end > bytes.length) throw this.#wrong(field, 'ends after its parent')
    this.#at = end
    return { tag, content: bytes.subarray(from, end), raw: bytes.subarray(start, end) }
  }

  /** The elements inside the next one. */
  inside(tag: number, field: string): DerReader {
    return new DerReader(this.element(tag, field).content, field)
  }

  /** What is left, unread. */
  rest(): Uint8Array {
    return this.#bytes.subarray(this.#at)
  }

  /** Refuses whatever is left. */
  end(): void {
    if (!this.done) throw new DerError(`${this.#place}: something behind the last element`)
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
  const arcs: number[] = []
  let arc = 0
  for (let index = 0; index < content.length; index++) {
    const byte = content[index] ?? 0
    if (arc === 0 && byte === 0x80) throw new DerError(`${place}: not in shortest form`)
    arc = arc * 128 + (byte & 0x7f)
    if (!Number.isSafeInteger(arc)) throw new DerError(`${place}: arc too large`)
    if (byte < 0x80) {
      arcs.push(arc)
      arc = 0
    } else if (index === content.length - 1) throw new DerError(`${place}: ends inside an arc`)
  }
  const [first] = arcs
  if (first === undefined) throw new DerError(`${place}: empty`)
  const root = Math.min(Math.floor(first / 40), 2)
  return [root, first - root * 40, ...arcs.slice(1)].join('.')
}

/** Unix milliseconds of the next element, a Time in the forms of RFC 5280 §4.1.2.5. */
export function readTime(from: DerReader, field: string): number {
  const isUtc = from.tag === DER.utcTime
  const { content } = from.element(isUtc ? DER.utcTime : DER.generalizedTime, field)
  const yearDigits = isUtc ? 2 : 4
  const isWhole = content.length === yearDigits + 11 && content.at(-1) === 0x5a // Z
  const short = digits(content, 0, yearDigits)
  const year = isUtc ? short + (short >= 50 ? 1900 : 2000) : short
  const [month = NaN, day = NaN, hour = NaN, minute = NaN, second = NaN] = [0, 1, 2, 3, 4].map(
    (pair) => digits(content, yearDigits + 2 * pair, 2),
  )
  const time = new Date(Date.UTC(year, month - 1, day, hour, minute, second))
  // Date.UTC is lenient: 30 February would be 2 March, and minute 60 the next hour.
  const isReal =
    time.getUTCMonth() === month - 1 &&
    time.getUTCDate() === day &&
    time.getUTCHours() === hour &&
    time.getUTCMinutes() === minute &&
    time.getUTCSeconds() === second
  if (!isWhole || !isReal || time.getUTCFullYear() !== year) {
    throw new DerError(`${field}: not a time`)
  }
  return time.getTime()
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
