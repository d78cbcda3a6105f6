import { ProtocolError } from '../../protocol/protocol-error.ts'
import {
  asArray,
  asInteger,
  asOneOf,
  asString,
  exactObject,
  type JsonObject,
} from '../../protocol/shape.ts'

/**
 * What may stand in a hole of a compose template. No shape admits white space, quotes, backslashes, `$`, `#`, commas
 * or brackets, so that what stands there can end no JSON string and no YAML scalar.
 */
export type HoleShape =
  | { readonly kind: 'hex'; readonly bytes: number }
  | { readonly kind: 'decimal'; readonly bits: number }
  | { readonly kind: 'name'; readonly maxLength: number }
  | { readonly kind: 'host' }
  | { readonly kind: 'origin' }
  | { readonly kind: 'one-of'; readonly values: readonly string[] }

const KINDS = ['hex', 'decimal', 'name', 'host', 'origin', 'one-of'] as const
const LISTED = /^[A-Za-z0-9][A-Za-z0-9._:/@-]*$/
const MAX_HOST_LENGTH = 253
const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
const HOST = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`)
const ORIGIN = new RegExp(`^https://(${LABEL}(?:\\.${LABEL})*)(?::([1-9][0-9]{0,4}))?$`)
const DECIMAL = /^(?:0|[1-9][0-9]*)$/

/** Characters of each kind. A hole ends where none of them stands. */
const ALPHABETS: Readonly<Record<HoleShape['kind'], RegExp>> = {
  hex: /[0-9a-f]/,
  decimal: /[0-9]/,
  name: /[A-Za-z0-9_-]/,
  host: /[a-z0-9.-]/,
  origin: /[a-z0-9.:/-]/,
  'one-of': /[A-Za-z0-9._:/@-]/,
}

/**
 * Reads a shape of a policy.
 * @throws ProtocolError `INPUT_FIELD`
 */
export function parseHoleShape(value: unknown, place: string): HoleShape {
  const { kind: named } = exactObject(
    value,
    place,
    ['kind'],
    ['bytes', 'bits', 'maxLength', 'values'],
  )
  const kind = asOneOf(named, `${place}.kind`, KINDS)
  const only = (...members: string[]): JsonObject => exactObject(value, place, ['kind', ...members])
  switch (kind) {
    case 'hex':
      return {
        kind,
        bytes: asInteger(only('bytes')['bytes'], `${place}.bytes`, { min: 1, max: 128 }),
      }
    case 'decimal':
      return { kind, bits: asInteger(only('bits')['bits'], `${place}.bits`, { min: 1, max: 256 }) }
    case 'name': {
      const length = only('maxLength')['maxLength']
      return { kind, maxLength: asInteger(length, `${place}.maxLength`, { min: 1, max: 256 }) }
    }
    case 'host':
    case 'origin':
      only()
      return { kind }
    case 'one-of':
      return { kind, values: readValues(only('values')['values'], `${place}.values`) }
  }
}

function readValues(value: unknown, place: string): readonly string[] {
  return asArray(value, place, 256).map((item) => {
    const text = asString(item, `${place}[]`)
    if (LISTED.test(text)) return text
    throw new ProtocolError('INPUT_FIELD', `${place}[]: characters that could end a value`)
  })
}

/** Whether a character may stand in a hole of that kind. */
export function inAlphabet({ kind }: HoleShape, character: string): boolean {
  return ALPHABETS[kind].test(character)
}

/** Whether a text fills a hole of that shape. */
export function fits(shape: HoleShape, text: string): boolean {
  switch (shape.kind) {
    case 'hex':
      return text.length === shape.bytes * 2 && /^[0-9a-f]*$/.test(text)
    case 'decimal':
      return text.length <= 78 && DECIMAL.test(text) && BigInt(text) >> BigInt(shape.bits) === 0n
    case 'name':
      return text.length <= shape.maxLength && /^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(text)
    case 'host':
      return text.length <= MAX_HOST_LENGTH && HOST.test(text)
    case 'origin': {
      const [, host, port = '443'] = ORIGIN.exec(text) ?? []
      return host !== undefined && host.length <= MAX_HOST_LENGTH && Number(port) < 65536
    }
    case 'one-of':
      return shape.values.includes(text)
  }
}
