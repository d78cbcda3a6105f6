import { fromBareHex, fromHex, type Hex } from '../bytes/hex.ts'
import { ProtocolError } from './protocol-error.ts'

/** Readers that turn unknown JSON into typed values, or throw `INPUT_FIELD` with the place. */

export type JsonObject = Readonly<Record<string, unknown>>

function wrong(place: string, expected: string, value: unknown): ProtocolError {
  const actual = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
  return new ProtocolError('INPUT_FIELD', `${place}: expected ${expected}, got ${actual}`)
}

/** An object of whatever members. */
export function asObject(value: unknown, place: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ProtocolError('INPUT_FIELD', `${place}: expected an object`)
  }
  return value as JsonObject
}

/** An object with exactly these members. Unknown ones are refused: what we do not understand we do not pass. */
export function exactObject(
  value: unknown,
  place: string,
  members: readonly string[],
  optional: readonly string[] = [],
): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrong(place, 'an object', value)
  }
  const object = value as JsonObject
  for (const member of members) {
    if (!Object.hasOwn(object, member)) {
      throw new ProtocolError('INPUT_FIELD', `${place}.${member}: missing`)
    }
  }
  for (const member of Object.keys(object)) {
    if (!members.includes(member) && !optional.includes(member)) {
      throw new ProtocolError('INPUT_FIELD', `${place}: unknown member`)
    }
  }
  return object
}

export function asString(value: unknown, place: string, maxLength = 1024): string {
  if (typeof value !== 'string') throw wrong(place, 'a string', value)
  if (value.length > maxLength) {
    throw new ProtocolError('INPUT_FIELD', `${place}: longer than ${maxLength} characters`)
  }
  return value
}

export function asInteger(
  value: unknown,
  place: string,
  range: { readonly min: number; readonly max: number },
): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) {
    throw wrong(place, 'an integer', value)
  }
  if (value < range.min || value > range.max) {
    throw new ProtocolError(
      'INPUT_FIELD',
      `${place}: expected ${range.min} to ${range.max}, got ${value}`,
    )
  }
  return value
}

export function asArray(value: unknown, place: string, maxLength: number): readonly unknown[] {
  if (!Array.isArray(value)) throw wrong(place, 'an array', value)
  if (value.length > maxLength) {
    throw new ProtocolError('INPUT_FIELD', `${place}: more than ${maxLength} items`)
  }
  return value
}

/** One of a fixed set of strings. */
export function asOneOf<Choice extends string>(
  value: unknown,
  place: string,
  choices: readonly Choice[],
): Choice {
  const choice = choices.find((candidate) => candidate === value)
  if (choice === undefined) throw wrong(place, `one of ${choices.join(', ')}`, value)
  return choice
}

/** Lowercase hex with `0x` of `length` bytes; uppercase is refused, so that equal values are equal strings. */
export function asHex(value: unknown, place: string, length: number): Hex {
  const text = asString(value, place, 2 + length * 2)
  // What is right needs no bytes; what is wrong is told what of it is wrong.
  if (text.length === 2 + length * 2 && /^0x[0-9a-f]*$/.test(text)) return text as Hex
  fromHex(text, length, place)
  if (text !== text.toLowerCase()) {
    throw new ProtocolError('INPUT_HEX', `${place}: expected lowercase hex`)
  }
  return text as Hex
}

/** Lowercase hex without prefix of `length` bytes. */
export function asBareHex(value: unknown, place: string, length: number): string {
  const text = asString(value, place, length * 2)
  fromBareHex(text, length, place)
  if (text !== text.toLowerCase()) {
    throw new ProtocolError('INPUT_HEX', `${place}: expected lowercase hex`)
  }
  return text
}

/** A decimal string without leading zeros, below 2^bits. */
export function asDecimal(value: unknown, place: string, bits: number): bigint {
  const text = asString(value, place, 80)
  if (!/^(0|[1-9][0-9]*)$/.test(text)) throw wrong(place, 'a decimal string', value)
  const integer = BigInt(text)
  if (integer >> BigInt(bits) !== 0n) {
    throw new ProtocolError('INPUT_FIELD', `${place}: does not fit in ${bits} bits`)
  }
  return integer
}
