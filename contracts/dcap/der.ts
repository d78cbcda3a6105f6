import { DcapError } from './dcap-error.ts'

/** One TLV: its tag, where it begins, and where its content does. */
export interface Tlv {
  readonly tag: number
  readonly at: number
  readonly start: number
  readonly end: number
}

/**
 * The TLV at a place, within `end`. Definite lengths of at most three bytes: enough to find out what a certificate says
 * of itself, while whether it holds is for the chain.
 * @throws DcapError `CERTIFICATE_INVALID`
 */
export function tlvAt(der: Uint8Array, at: number, end: number): Tlv {
  const [tag, first] = [der[at], der[at + 1]]
  if (tag === undefined || first === undefined || at + 2 > end) throw invalid(at, 'a TLV')
  const count = first < 0x80 ? 0 : first - 0x80
  if (count > 3 || first === 0x80) throw invalid(at, 'a definite length')
  let length = count === 0 ? first : 0
  for (let i = 0; i < count; i++) length = length * 256 + (der[at + 2 + i] ?? 0)
  const start = at + 2 + count
  if (start + length > end) throw invalid(at, `at most ${end - start} bytes, got ${length}`)
  return { tag, at, start, end: start + length }
}

/** The TLVs in the content of another, in order. @throws DcapError `CERTIFICATE_INVALID` */
export function within(der: Uint8Array, { start, end }: Pick<Tlv, 'start' | 'end'>): Tlv[] {
  const list: Tlv[] = []
  for (let at = start; at < end;) {
    const tlv = tlvAt(der, at, end)
    list.push(tlv)
    at = tlv.end
  }
  return list
}

/** Unix seconds of a UTCTime or GeneralizedTime. @throws DcapError `CERTIFICATE_INVALID` */
export function timeOf(der: Uint8Array, { tag, at, start, end }: Tlv): bigint {
  const text = new TextDecoder('latin1').decode(der.subarray(start, end))
  const isUtc = tag === 0x17
  const digits = isUtc ? `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}` : text
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(digits)
  if ((!isUtc && tag !== 0x18) || match === null) throw invalid(at, 'a time')
  const [year = 0, month = 0, ...rest] = match.slice(1).map(Number)
  const [day = 0, hour = 0, minute = 0, second = 0] = rest
  return BigInt(Date.UTC(year, month - 1, day, hour, minute, second) / 1000)
}

/** A positive INTEGER. */
export function integerOf(der: Uint8Array, { start, end }: Tlv): bigint {
  let value = 0n
  for (const byte of der.subarray(start, end)) value = value * 256n + BigInt(byte)
  return value
}

/** What stands at a place is not what belongs there. */
export function invalid(at: number, expected: string): DcapError {
  return new DcapError('CERTIFICATE_INVALID', `DER at byte ${at}: expected ${expected}`)
}
