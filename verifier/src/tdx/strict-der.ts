import { equalBytes } from '../bytes/bytes.ts'
import { fromBareHex } from '../bytes/hex.ts'

const SEQUENCE = 0x30
const INTEGER = 0x02
const BIT_STRING = 0x03
/** AlgorithmIdentifier of ecdsa-with-SHA256, 1.2.840.10045.4.3.2. */
const ECDSA_WITH_SHA256 = fromBareHex('300a06082a8648ce3d040302')

/** One DER element: where its content stands, and where the next element begins. */
interface Element {
  readonly content: Uint8Array
  readonly end: number
}

/** Reads one element of a tag with its length in shortest form (X.690 §10.1); undefined when it is anything else. */
function readElement(der: Uint8Array, at: number, tag: number): Element | undefined {
  const first = der[at + 1]
  if (der[at] !== tag || first === undefined) return undefined
  let length = first
  let start = at + 2
  if (first >= 0x80) {
    const digits = first & 0x7f
    if (digits < 1 || digits > 3) return undefined
    length = der.subarray(start, start + digits).reduce((value, byte) => value * 256 + byte, 0)
    start += digits
    const shortest = length < 0x80 ? 0 : length < 0x100 ? 1 : length < 0x10000 ? 2 : 3
    if (digits !== shortest) return undefined
  }
  const end = start + length
  return end > der.length ? undefined : { content: der.subarray(start, end), end }
}

/**
 * Whether the bytes are one certificate in its only form (RFC 5280 §4.1): nothing behind it, and outside the signed
 * part exactly ecdsa-with-SHA256 without parameters and a strict signature. X.509 libraries read looser forms too.
 */
export function isStrictEcdsaCertificate(der: Uint8Array): boolean {
  const outer = readElement(der, 0, SEQUENCE)
  if (outer?.end !== der.length) return false
  const signed = readElement(outer.content, 0, SEQUENCE)
  if (signed === undefined) return false
  const signatureAt = signed.end + ECDSA_WITH_SHA256.length
  if (!equalBytes(outer.content.subarray(signed.end, signatureAt), ECDSA_WITH_SHA256)) return false
  const bits = readElement(outer.content, signatureAt, BIT_STRING)
  if (bits?.end !== outer.content.length || bits.content[0] !== 0) return false
  return isStrictEcdsaSignature(bits.content.subarray(1))
}

/** Ecdsa-Sig-Value (RFC 3279 §2.2.3): two positive integers in shortest form. */
function isStrictEcdsaSignature(der: Uint8Array): boolean {
  const outer = readElement(der, 0, SEQUENCE)
  if (outer?.end !== der.length) return false
  const r = readElement(outer.content, 0, INTEGER)
  if (r === undefined) return false
  const s = readElement(outer.content, r.end, INTEGER)
  return s?.end === outer.content.length && isShortestPositive(r) && isShortestPositive(s)
}

function isShortestPositive({ content: [first, second] }: Element): boolean {
  if (first === undefined || first >= 0x80) return false
  return first !== 0 || (second !== undefined && second >= 0x80)
}
