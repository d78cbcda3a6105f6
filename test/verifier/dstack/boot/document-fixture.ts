import { concatBytes, utf8 } from '@jeju/verifier/protocol'

/** What a test document is made of. */
export interface Documented {
  readonly [member: string]: number | boolean | string | Uint8Array | Documented
}

/** CBOR of a document, members in the order given, as an image build writes them. */
export function encodeDocument(value: Documented[string]): Uint8Array<ArrayBuffer> {
  if (typeof value === 'number') return head(0, value)
  if (typeof value === 'boolean') return Uint8Array.of(value ? 0xf5 : 0xf4)
  if (value instanceof Uint8Array) return concatBytes(head(2, value.length), value)
  if (typeof value === 'string') return concatBytes(head(3, utf8(value).length), utf8(value))
  const members = Object.entries(value)
  return concatBytes(
    head(5, members.length),
    ...members.flatMap(([name, member]) => [encodeDocument(name), encodeDocument(member)]),
  )
}

function head(major: number, value: number): Uint8Array<ArrayBuffer> {
  const type = major << 5
  if (value < 24) return Uint8Array.of(type | value)
  if (value < 256) return Uint8Array.of(type | 24, value)
  return Uint8Array.of(type | 25, value >> 8, value & 0xff)
}
