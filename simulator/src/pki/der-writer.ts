import { concatBytes } from '@jeju/verifier/protocol'

/** Writes DER (X.690) of certificates and CRLs, and on request forms that only BER allows. */

export const TAG = {
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

type Bytes = Uint8Array<ArrayBuffer>

/** One element, its length in shortest form. */
export function element(tag: number, ...parts: readonly Uint8Array[]): Bytes {
  const content = concatBytes(...parts)
  return concatBytes(Uint8Array.of(tag, ...lengthOf(content.length)), content)
}

/** SEQUENCE of these elements. */
export function sequence(...parts: readonly Uint8Array[]): Bytes {
  return element(TAG.sequence, ...parts)
}

/** INTEGER of a number of at most 31 bits, negative ones too. */
export function integer(value: number): Bytes {
  const bytes: number[] = []
  let rest = value
  let negative: boolean
  do {
    const low = rest & 0xff
    bytes.unshift(low)
    negative = low >= 0x80
    rest >>= 8
  } while (rest !== (negative ? -1 : 0) || negative !== value < 0)
  return element(TAG.integer, Uint8Array.from(bytes))
}

/** INTEGER of an unsigned number, big-endian, in shortest form. */
export function unsignedInteger(bytes: Uint8Array): Bytes {
  const first = bytes.findIndex((byte) => byte !== 0)
  const shortest = first === -1 ? Uint8Array.of(0) : bytes.subarray(first)
  const sign = (shortest[0] ?? 0) >= 0x80 ? [0] : []
  return element(TAG.integer, Uint8Array.from(sign), shortest)
}

/** BOOLEAN. */
export function boolean(value: boolean): Bytes {
  return element(TAG.boolean, Uint8Array.of(value ? 0xff : 0x00))
}

/** OCTET STRING. */
export function octets(bytes: Uint8Array): Bytes {
  return element(TAG.octetString, bytes)
}

/** BIT STRING; `unused` bits at its end do not count. */
export function bitString(bytes: Uint8Array, unused = 0): Bytes {
  return element(TAG.bitString, Uint8Array.of(unused), bytes)
}

/** OBJECT IDENTIFIER of its dotted form. */
export function objectId(dotted: string): Bytes {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const arcs = [first * 40 + second, ...rest]
  return element(TAG.objectId, Uint8Array.from(arcs.flatMap(base128)))
}

/** Time as RFC 5280 §4.1.2.5 wants it: UTCTime until 2049, GeneralizedTime after. */
export function time(at: Date): Bytes {
  const digits = at.toISOString().replaceAll(/[-:T]|\.\d+/g, '')
  const isUtc = at.getUTCFullYear() < 2050
  const text = new TextEncoder().encode(isUtc ? digits.slice(2) : digits)
  return element(isUtc ? TAG.utcTime : TAG.generalizedTime, text)
}

/** The same element with a length one digit longer than needed: BER, and no DER. */
export function withLongLength(der: Uint8Array): Bytes {
  const [tag = 0, first = 0] = der
  const digits = first < 0x80 ? [first] : Array.from(der.subarray(2, 2 + (first & 0x7f)))
  const content = der.subarray(first < 0x80 ? 2 : 2 + digits.length)
  const padded = first < 0x80 ? digits : [0, ...digits]
  return concatBytes(Uint8Array.of(tag, 0x80 | padded.length, ...padded), content)
}

/** The same element in the indefinite form of BER. */
export function withIndefiniteLength(der: Uint8Array): Bytes {
  const [tag = 0, first = 0] = der
  const content = der.subarray(first < 0x80 ? 2 : 2 + (first & 0x7f))
  return concatBytes(Uint8Array.of(tag, 0x80), content, new Uint8Array(2))
}

function lengthOf(length: number): readonly number[] {
  if (length < 0x80) return [length]
  const digits: number[] = []
  for (let rest = length; rest > 0; rest >>>= 8) digits.unshift(rest & 0xff)
  return [0x80 | digits.length, ...digits]
}

function base128(arc: number): readonly number[] {
  const digits = [arc % 128]
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) {
    digits.unshift(0x80 | (rest % 128))
  }
  return digits
}
