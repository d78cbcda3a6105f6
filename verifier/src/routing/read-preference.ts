import { RoutingError } from './routing-error.ts'

/** Readers that turn unknown JSON into typed values, or throw a RoutingError with the member's place. */

type Members = Readonly<Record<string, unknown>>
type Reader<Value> = (value: unknown, place: string) => Value

/** An object of these members and no others. `whole` is its name where it is no member itself. */
export function asMembers(
  value: unknown,
  place: string,
  known: readonly string[],
  whole: string = place,
): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new RoutingError(whole, 'expected an object')
  }
  const unknown = Object.keys(value).find((name) => !known.includes(name))
  if (unknown !== undefined) throw new RoutingError(within(place, unknown), 'unknown member')
  return { ...value }
}

/** The member's value; undefined where it is not stated. */
export function optional<Value>(
  members: Members,
  place: string,
  name: string,
  read: Reader<Value>,
): Value | undefined {
  const value = members[name]
  return value === undefined ? undefined : read(value, within(place, name))
}

export function asEach<Value>(
  { min, max }: { readonly min: number; readonly max: number },
  read: Reader<Value>,
): Reader<readonly Value[]> {
  return (value, place) => {
    if (!Array.isArray(value) || value.length < min || value.length > max) {
      throw new RoutingError(place, `expected an array of ${min} to ${max}`)
    }
    return value.map((one: unknown, at) => read(one, within(place, String(at))))
  }
}

export function asMatching(pattern: RegExp, expected: string): Reader<string> {
  return (value, place) => {
    if (typeof value === 'string' && pattern.test(value)) return value
    throw new RoutingError(place, `expected ${expected}`)
  }
}

export function asOneOf<const Choice extends string>(choices: readonly Choice[]): Reader<Choice> {
  return (value, place) => {
    const choice = choices.find((one) => one === value)
    if (choice !== undefined) return choice
    throw new RoutingError(place, `expected one of ${choices.join(', ')}`)
  }
}

export function asFlag(value: unknown, place: string): boolean {
  if (typeof value === 'boolean') return value
  throw new RoutingError(place, 'expected a boolean')
}

/** A number that is exact, or its digits. */
export function asIntegerAmount(value: unknown, place: string): bigint {
  const isExact = typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
  const isDigits = typeof value === 'string' && /^(0|[1-9][0-9]{0,38})$/.test(value)
  if (isExact || isDigits) return BigInt(value)
  throw new RoutingError(place, 'expected an integer of wei, or its decimal string')
}

function within(place: string, name: string): string {
  return place === '' ? name : `${place}.${name}`
}
