import { Encoder } from 'cbor-x'
import { concatBytes, equalBytes } from '../bytes/bytes.ts'
import { ProtocolError } from './protocol-error.ts'

/** The CBOR we speak: unsigned integers, byte strings, text strings, arrays, maps with text keys. */
export type CborValue =
  number | string | Uint8Array | readonly CborValue[] | ReadonlyMap<string, CborValue>

const codec = new Encoder({
  mapsAsObjects: false,
  useRecords: false,
  variableMapSize: true,
  tagUint8Array: false,
})

/**
 * Core deterministic encoding (RFC 8949 §4.2.1): shortest heads, map keys in bytewise order of their encodings.
 * cbor-x keeps a map's insertion order, so the order is made here.
 */
export function encodeCbor(value: CborValue): Uint8Array<ArrayBuffer> {
  return new Uint8Array(codec.encode(ordered(value)))
}

function ordered(value: CborValue): CborValue {
  if (typeof value === 'number' || typeof value === 'string' || value instanceof Uint8Array) {
    return value
  }
  if (value instanceof Map) {
    const map: ReadonlyMap<string, CborValue> = value
    const entries = [...map].map(([key, item]) => [key, ordered(item)] as const)
    return new Map(entries.toSorted(([a], [b]) => compareKeys(a, b)))
  }
  if (Array.isArray(value)) return value.map((item: CborValue) => ordered(item))
  throw new ProtocolError('INPUT_CBOR', 'value outside the supported types')
}

function compareKeys(a: string, b: string): number {
  const left = new TextEncoder().encode(a)
  const right = new TextEncoder().encode(b)
  if (left.length !== right.length) return left.length - right.length
  const at = left.findIndex((byte, index) => byte !== right[index])
  return at === -1 ? 0 : (left[at] ?? 0) - (right[at] ?? 0)
}

/**
 * Reads deterministic CBOR. What was read is encoded again and must equal the input, so doubled keys, longer
 * heads, tags, floats, trailing bytes and every other second form of the same value are refused.
 * @throws ProtocolError `INPUT_CBOR`
 */
export function decodeCbor(bytes: Uint8Array, place: string): CborValue {
  let value: CborValue
  let again: Uint8Array
  try {
    value = codec.decode(bytes) as CborValue
    again = encodeCbor(value)
  } catch (cause) {
    throw new ProtocolError('INPUT_CBOR', `${place}: not CBOR of the supported types`, { cause })
  }
  if (!equalBytes(again, bytes)) {
    throw new ProtocolError('INPUT_CBOR', `${place}: not deterministic CBOR (RFC 8949 §4.2)`)
  }
  return detached(value)
}

/** Byte strings become copies: cbor-x hands out views into the input, and Buffers under Node. */
function detached(value: CborValue): CborValue {
  if (value instanceof Uint8Array) return concatBytes(value)
  if (value instanceof Map) {
    const map: ReadonlyMap<string, CborValue> = value
    return new Map([...map].map(([key, item]) => [key, detached(item)] as const))
  }
  if (Array.isArray(value)) return value.map((item: CborValue) => detached(item))
  return value
}
