import { utcTime } from '../../bytes/calendar.ts'
import { JsonError, parseStrictJson } from '../../bytes/strict-json.ts'
import { CheckFailure } from '../../report/check-failure.ts'

/** Readers for the JSON documents Intel signs. Unknown members are let be: Intel adds some. */

/** Largest signed document read. */
export const MAX_DOCUMENT_CHARACTERS: number = 1024 * 1024
const MAX_DEPTH = 16
/** Most levels of one list. */
const MAX_LEVELS = 64
const MAX_ADVISORIES = 256
const MAX_TEXT_CHARACTERS = 128
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/
/** Where year, month, day, hour, minute and second stand in it. */
const TIME_FIELDS = [
  [0, 4],
  [5, 7],
  [8, 10],
  [11, 13],
  [14, 16],
  [17, 19],
] as const

/** Parses the exact text that was signed. @throws CheckFailure */
export function parseDocument(text: string, what: string): DocumentFields {
  if (text.length > MAX_DOCUMENT_CHARACTERS) {
    throw wrong(what, `at most ${MAX_DOCUMENT_CHARACTERS} characters`, String(text.length))
  }
  try {
    const value = parseStrictJson(text, { maxDepth: MAX_DEPTH, integersOnly: true })
    return new DocumentFields(value, what)
  } catch (error) {
    if (!(error instanceof JsonError)) throw error
    const code = error.reason === 'duplicate' ? 'COLLATERAL_DUPLICATE_MEMBER' : 'COLLATERAL_FORMAT'
    throw new CheckFailure(code, `${what}: strict JSON`, error.message)
  }
}

function wrong(place: string, expected: string, actual: string): CheckFailure {
  return new CheckFailure('COLLATERAL_FORMAT', `${place}: ${expected}`, actual)
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

/** Where an object stands in its document: put into words only where something is refused there. */
type Place =
  string | { readonly of: DocumentFields; readonly name: string; readonly index?: number }

/** The members of one object of a signed document. Each reader names the place of what it refuses. */
export class DocumentFields {
  readonly #object: Readonly<Record<string, unknown>>
  readonly #place: Place

  constructor(value: unknown, place: Place) {
    this.#place = place
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw wrong(this.#path(), 'an object', kindOf(value))
    }
    this.#object = value as Readonly<Record<string, unknown>>
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#object, name)
  }

  object(name: string): DocumentFields {
    return new DocumentFields(this.#get(name), { of: this, name })
  }

  /** Objects of an array with at least `min` of them. */
  objects(name: string, min: number, max: number = MAX_LEVELS): readonly DocumentFields[] {
    return this.#array(name, min, max).map(
      (value, index) => new DocumentFields(value, { of: this, name, index }),
    )
  }

  text(name: string): string {
    const value = this.#get(name)
    if (typeof value !== 'string') throw wrong(this.#at(name), 'a string', kindOf(value))
    if (value.length > MAX_TEXT_CHARACTERS) {
      throw wrong(this.#at(name), `at most ${MAX_TEXT_CHARACTERS} characters`, 'more')
    }
    return value
  }

  /** Strings; absent means none. */
  optionalTexts(name: string): readonly string[] {
    if (!this.has(name)) return []
    return this.#array(name, 0, MAX_ADVISORIES).map((value) => {
      if (typeof value !== 'string') throw wrong(this.#at(name), 'strings', kindOf(value))
      return value
    })
  }

  /** One of a fixed set of strings. */
  oneOf<Choice extends string>(name: string, choices: readonly Choice[]): Choice {
    const value = this.#get(name)
    const choice = choices.find((candidate) => candidate === value)
    if (choice === undefined) {
      const actual = typeof value === 'string' ? value.slice(0, MAX_TEXT_CHARACTERS) : kindOf(value)
      throw wrong(this.#at(name), `one of ${choices.join(', ')}`, actual)
    }
    return choice
  }

  /** An integer from 0 to `max`. */
  integer(name: string, max: number): number {
    const value = this.#get(name)
    if (typeof value !== 'number') throw wrong(this.#at(name), 'an integer', kindOf(value))
    if (!Number.isInteger(value) || value < 0 || value > max) {
      throw wrong(this.#at(name), `an integer from 0 to ${max}`, String(value))
    }
    return value
  }

  /** Lowercase hex of that many bytes; both cases are served. */
  hex(name: string, bytes: number): string {
    const value = this.text(name)
    if (value.length !== bytes * 2 || !/^[0-9a-fA-F]*$/.test(value)) {
      throw wrong(this.#at(name), `${bytes} bytes in hex`, value)
    }
    return value.toLowerCase()
  }

  /** Unix milliseconds of `YYYY-MM-DDTHH:MM:SSZ`, the only form Intel serves. */
  time(name: string): number {
    const value = this.text(name)
    const [year = NaN, month = NaN, day = NaN, hour = NaN, minute = NaN, second = NaN] = TIME.test(
      value,
    )
      ? TIME_FIELDS.map(([from, to]) => Number(value.slice(from, to)))
      : []
    const time = utcTime(year, month, day, hour, minute, second)
    if (time === undefined) throw wrong(this.#at(name), 'YYYY-MM-DDTHH:MM:SSZ', value)
    return time
  }

  #get(name: string): unknown {
    if (!this.has(name)) throw wrong(this.#at(name), 'present', 'missing')
    return this.#object[name]
  }

  #array(name: string, min: number, max: number): readonly unknown[] {
    const value = this.#get(name)
    if (!Array.isArray(value)) throw wrong(this.#at(name), 'an array', kindOf(value))
    if (value.length < min || value.length > max) {
      throw wrong(this.#at(name), `${min} to ${max} items`, String(value.length))
    }
    return value
  }

  #at(name: string): string {
    return `${this.#path()}.${name}`
  }

  #path(): string {
    if (typeof this.#place === 'string') return this.#place
    const { of, name, index } = this.#place
    return index === undefined ? of.#at(name) : `${of.#at(name)}[${index}]`
  }
}
