import { equalBytes, toHex } from '@jeju/verifier/protocol'
import { DcapError } from './dcap-error.ts'
import { integerOf, invalid, timeOf, tlvAt, within, type Tlv } from './der.ts'

/** What a certificate says of itself. Nobody has verified it: it serves to choose what to send. */
export interface Certificate {
  readonly der: Uint8Array
  readonly serial: bigint
  /** CN of its names. */
  readonly subject: string
  readonly issuer: string
  /** Unix seconds. */
  readonly notBefore: bigint
  readonly notAfter: bigint
  /** Its P-256 key. */
  readonly x: Uint8Array
  readonly y: Uint8Array
}

const SEQUENCE = 0x30
const COMMON_NAME = Uint8Array.of(0x06, 0x03, 0x55, 0x04, 0x03)
const MAX_CERTIFICATES = 4

/**
 * Reads the certificates of a PEM text, in order.
 * @throws DcapError `CERTIFICATE_INVALID`
 */
export function readChain(pem: string): readonly Certificate[] {
  const block = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g
  const list = [...pem.matchAll(block)].map(([, text = '']) => readCertificate(bytesOf(text)))
  if (list.length === 0 || list.length > MAX_CERTIFICATES) {
    const expected = `1 to ${MAX_CERTIFICATES} certificates`
    throw new DcapError('CERTIFICATE_INVALID', `PEM: expected ${expected}, got ${list.length}`)
  }
  return list
}

/** Reads a certificate. @throws DcapError `CERTIFICATE_INVALID` */
export function readCertificate(der: Uint8Array): Certificate {
  const whole = tlvAt(der, 0, der.length)
  if (whole.tag !== SEQUENCE || whole.end !== der.length) throw invalid(0, 'one SEQUENCE')
  const fields = within(der, tlvAt(der, whole.start, whole.end))
  const [, serial, , issuer, validity, subject, keyInfo] = fields
  if (!serial || !issuer || !validity || !subject || !keyInfo) throw invalid(0, 'a certificate')
  const [notBefore, notAfter] = within(der, validity)
  const [, key] = within(der, keyInfo)
  if (!notBefore || !notAfter || !key) throw invalid(validity.at, 'two times, and a key')
  const point = der.subarray(key.start, key.end)
  if (point.length !== 66 || point[1] !== 4) throw invalid(key.at, 'an uncompressed P-256 point')
  return {
    der,
    serial: integerOf(der, serial),
    subject: commonNameOf(der, subject),
    issuer: commonNameOf(der, issuer),
    notBefore: timeOf(der, notBefore),
    notAfter: timeOf(der, notAfter),
    x: point.slice(2, 34),
    y: point.slice(34, 66),
  }
}

/** thisUpdate of a revocation list, Unix seconds. @throws DcapError `CERTIFICATE_INVALID` */
export function thisUpdateOf(der: Uint8Array): bigint {
  const whole = tlvAt(der, 0, der.length)
  const [, , , thisUpdate] = within(der, tlvAt(der, whole.start, whole.end))
  if (!thisUpdate) throw invalid(0, 'a revocation list')
  return timeOf(der, thisUpdate)
}

/** OCTET STRING of six bytes behind the OID 1.2.840.113741.1.13.1.4. */
const FMSPC = Uint8Array.from([
  0x06, 0x0a, 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01, 0x04, 0x04, 0x06,
])

/** FMSPC of a PCK certificate, 12 hex digits. @throws DcapError `CERTIFICATE_INVALID` */
export function fmspcOf({ der }: Certificate): string {
  for (let at = 0; at + FMSPC.length + 6 <= der.length; at++) {
    const start = at + FMSPC.length
    if (equalBytes(der.subarray(at, start), FMSPC))
      return toHex(der.slice(start, start + 6)).slice(2)
  }
  throw new DcapError('CERTIFICATE_INVALID', 'PCK certificate: expected an FMSPC, got none')
}

function commonNameOf(der: Uint8Array, name: Tlv): string {
  for (const set of within(der, name)) {
    for (const attribute of within(der, set)) {
      const [type, value] = within(der, attribute)
      if (!type || !value || !equalBytes(der.subarray(type.at, type.end), COMMON_NAME)) continue
      return new TextDecoder().decode(der.subarray(value.start, value.end))
    }
  }
  throw invalid(name.at, 'a name with a CN')
}

function bytesOf(base64: string): Uint8Array {
  try {
    return Uint8Array.from(atob(base64.replace(/\s/g, '')), (char) => char.charCodeAt(0))
  } catch (cause) {
    throw new DcapError('CERTIFICATE_INVALID', 'PEM: expected Base64', { cause })
  }
}
