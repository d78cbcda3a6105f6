import type { CborValue } from './deterministic-cbor.ts'
import { ProtocolError } from './protocol-error.ts'

/** Typed reading of one CBOR map. */
export class CborMap {
  readonly #entries: ReadonlyMap<string, CborValue>
  readonly #place: string

  constructor(value: CborValue, place: string) {
    if (!(value instanceof Map)) throw new ProtocolError('INPUT_FIELD', `${place}: expected a map`)
    this.#entries = value
    this.#place = place
  }

  only(...names: readonly (readonly string[])[]): void {
    for (const key of this.#entries.keys()) {
      if (!names.flat().includes(key)) {
        throw new ProtocolError('INPUT_FIELD', `${this.#place}: unknown member`)
      }
    }
  }

  has(name: string): boolean {
    return this.#entries.has(name)
  }

  constant(name: string, expected: number): void {
    if (this.#entries.get(name) !== expected) throw this.#wrong(name, String(expected))
  }

  text(name: string): string {
    const value = this.#entries.get(name)
    if (typeof value !== 'string') throw this.#wrong(name, 'text')
    return value
  }

  oneOf<Choice extends string>(name: string, choices: readonly Choice[]): Choice {
    const choice = choices.find((candidate) => candidate === this.#entries.get(name))
    if (choice === undefined) throw this.#wrong(name, `one of ${choices.join(', ')}`)
    return choice
  }

  bytes(name: string, length?: number): Uint8Array {
    return this.#bytes(this.#entries.get(name), name, length)
  }

  bytesPair(name: string, length: number): readonly [Uint8Array, Uint8Array] {
    const value = this.#entries.get(name)
    if (!Array.isArray(value) || value.length !== 2) throw this.#wrong(name, 'two byte strings')
    const [first, second] = value as readonly (CborValue | undefined)[]
    return [this.#bytes(first, name, length), this.#bytes(second, name, length)]
  }

  /** Items of an array, at most `max`, each with its place. */
  list<Item>(
    name: string,
    max: number,
    read: (value: CborValue, place: string) => Item,
  ): readonly Item[] {
    const value = this.#entries.get(name)
    if (!Array.isArray(value) || value.length > max) {
      throw this.#wrong(name, `an array of at most ${max}`)
    }
    const items = value as readonly CborValue[]
    return items.map((item, index) => read(item, `${this.#place}.${name}[${index}]`))
  }

  /** Byte strings by name, at most `max` of them. */
  bytesByName(name: string, max: number): ReadonlyMap<string, Uint8Array> {
    const map = this.map(name)
    if (map.#entries.size > max) throw this.#wrong(name, `at most ${max} members`)
    return new Map([...map.#entries.keys()].map((key) => [key, map.bytes(key)] as const))
  }

  map(name: string): CborMap {
    const value = this.#entries.get(name)
    if (value === undefined) throw this.#wrong(name, 'a map')
    return new CborMap(value, `${this.#place}.${name}`)
  }

  #bytes(value: CborValue | undefined, name: string, length: number | undefined): Uint8Array {
    if (!(value instanceof Uint8Array)) throw this.#wrong(name, 'a byte string')
    if (length !== undefined && value.length !== length) {
      throw this.#wrong(name, `${length} bytes`)
    }
    return value
  }

  #wrong(name: string, expected: string): ProtocolError {
    return new ProtocolError('INPUT_FIELD', `${this.#place}.${name}: expected ${expected}`)
  }
}
