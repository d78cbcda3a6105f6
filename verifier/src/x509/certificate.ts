import { equalBytes } from '../bytes/bytes.ts'
import { toBareHex } from '../bytes/hex.ts'
import {
  booleanValue,
  DER,
  DerError,
  DerReader,
  objectId,
  readTime,
  smallInteger,
  unsignedInteger,
} from './der.ts'
import { P256_PROFILE, type EcdsaProfile } from './ecdsa-profile.ts'
import { readExtensions } from './extensions.ts'
import { readAlgorithm, readSigned } from './signed.ts'

export const OID_KEY_USAGE = '2.5.29.15'
export const OID_BASIC_CONSTRAINTS = '2.5.29.19'
const OID_COMMON_NAME = '2.5.4.3'

/** Largest path length that is a number here. */
const MAX_PATH_LENGTH = 255
const MAX_SERIAL_BYTES = 20

/** What the rules of Intel's and NVIDIA's chains need of a version 3 certificate (RFC 5280 §4.1). */
export interface Certificate {
  readonly der: Uint8Array
  /** DER of the signed part, and r ‖ s over it. */
  readonly tbs: Uint8Array
  readonly signature: Uint8Array
  /** Hex of the INTEGER's value. */
  readonly serial: string
  /** DER of the names, compared byte for byte. */
  readonly subject: Uint8Array
  readonly issuer: Uint8Array
  readonly commonName: string
  /** Unix milliseconds; both ends belong to the validity. */
  readonly notBefore: number
  readonly notAfter: number
  /** x ‖ y. */
  readonly publicKey: Uint8Array
  readonly isCa: boolean
  readonly pathLength: number | undefined
  readonly keyUsage: KeyUsage
  /** OIDs of critical extensions. */
  readonly critical: readonly string[]
  /** Extension values by OID. */
  readonly extensions: ReadonlyMap<string, Uint8Array>
}

/** The bits of key usage that matter in these chains (RFC 5280 §4.2.1.3). */
export interface KeyUsage {
  readonly digitalSignature: boolean
  readonly keyCertSign: boolean
  readonly cRLSign: boolean
}

/** Reads the one strict DER form of a certificate, key and signature of that profile. @throws DerError */
export function parseCertificate(
  der: Uint8Array,
  place = 'certificate',
  profile: EcdsaProfile = P256_PROFILE,
): Certificate {
  const { tbs, fields, signature } = readSigned(der, place, profile)
  const version = fields.inside(DER.explicit0, 'version')
  if (smallInteger(version.content(DER.integer, 'version'), 2, place) !== 2) {
    throw new DerError(`${place}: expected version 3`)
  }
  version.end()
  const serial = readSerial(fields, place)
  readAlgorithm(fields, 'signature', profile)
  const issuer = fields.whole(DER.sequence, 'issuer')
  const validity = fields.inside(DER.sequence, 'validity')
  const notBefore = readTime(validity, `${place}.notBefore`)
  const notAfter = readTime(validity, `${place}.notAfter`)
  validity.end()
  const subject = fields.whole(DER.sequence, 'subject')
  const keyInfo = fields.whole(DER.sequence, 'subjectPublicKeyInfo')
  const publicKey = publicPoint(keyInfo, place, profile)
  const wrapped = fields.inside(DER.explicit3, 'extensions')
  const { byOid, critical } = readExtensions(wrapped.inside(DER.sequence, 'list'), place)
  wrapped.end()
  fields.end()
  return {
    der,
    tbs,
    signature,
    serial,
    subject,
    issuer,
    commonName: commonNameOf(subject, place),
    notBefore,
    notAfter,
    publicKey,
    ...basicConstraints(byOid.get(OID_BASIC_CONSTRAINTS), place),
    keyUsage: keyUsageOf(byOid.get(OID_KEY_USAGE), place),
    critical,
    extensions: byOid,
  }
}

/** A CertificateSerialNumber as hex of its value; 20 bytes at most (RFC 5280 §4.1.2.2). */
export function readSerial(from: DerReader, place: string): string {
  const serial = unsignedInteger(from.content(DER.integer, 'serialNumber'), place)
  if (serial.length > MAX_SERIAL_BYTES) throw new DerError(`${place}: serial number too long`)
  return toBareHex(serial)
}

function publicPoint(keyInfo: Uint8Array, place: string, profile: EcdsaProfile): Uint8Array {
  const at = profile.keyInfo.length
  const isOne = keyInfo.length === at + 2 * profile.scalarBytes
  if (!isOne || !equalBytes(keyInfo.subarray(0, at), profile.keyInfo)) {
    throw new DerError(`${place}: not a ${profile.curve} key`)
  }
  return keyInfo.subarray(at)
}

// A byte-order mark is a character of the name, and not to be dropped from it.
const NAME_TEXT = new TextDecoder('utf-8', { ignoreBOM: true })

/** The one common name; a name with none, or with two, is nobody's. */
function commonNameOf(name: Uint8Array, place: string): string {
  const found: string[] = []
  const sets = new DerReader(name, place).inside(DER.sequence, `${place}.subject`)
  while (!sets.done) {
    const set = sets.inside(DER.set, 'rdn')
    while (!set.done) {
      const attribute = set.inside(DER.sequence, 'attribute')
      const type = objectId(attribute.content(DER.objectId, 'type'), place)
      const isUtf8 = attribute.tag === DER.utf8String
      const text = attribute.content(isUtf8 ? DER.utf8String : DER.printableString, type)
      attribute.end()
      if (type === OID_COMMON_NAME) found.push(NAME_TEXT.decode(text))
    }
  }
  const [commonName] = found
  if (commonName === undefined || found.length > 1) {
    throw new DerError(`${place}: expected one common name, got ${found.length}`)
  }
  return commonName
}

function basicConstraints(
  value: Uint8Array | undefined,
  place: string,
): { readonly isCa: boolean; readonly pathLength: number | undefined } {
  if (value === undefined) return { isCa: false, pathLength: undefined }
  const all = new DerReader(value, `${place}.basicConstraints`)
  const fields = all.inside(DER.sequence, 'value')
  all.end()
  let isCa = false
  if (fields.tag === DER.boolean) {
    isCa = booleanValue(fields.content(DER.boolean, 'cA'), place)
    if (!isCa) throw new DerError(`${place}: states the default of cA`)
  }
  const pathLength = fields.done
    ? undefined
    : smallInteger(fields.content(DER.integer, 'pathLen'), MAX_PATH_LENGTH, place)
  fields.end()
  return { isCa, pathLength }
}

function keyUsageOf(value: Uint8Array | undefined, place: string): KeyUsage {
  const all = new DerReader(value ?? new Uint8Array([DER.bitString, 1, 0]), `${place}.keyUsage`)
  const content = all.content(DER.bitString, 'value')
  all.end()
  const [unused = 8, first = 0] = content
  const isPadded = ((content.at(-1) ?? 0) & ((1 << unused) - 1)) === 0
  if (unused > 7 || !isPadded) throw new DerError(`${place}.keyUsage: not a bit string`)
  return {
    digitalSignature: (first & 0x80) !== 0,
    keyCertSign: (first & 0x04) !== 0,
    cRLSign: (first & 0x02) !== 0,
  }
}
