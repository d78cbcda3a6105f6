import { fromBareHex } from '../bytes/hex.ts'
import { DER, DerError, readTime, smallInteger, type DerReader } from './der.ts'
import { readSerial } from './certificate.ts'
import { P256_PROFILE } from './ecdsa-profile.ts'
import { readCriticalOnly, readExtensions } from './extensions.ts'
import { readAlgorithm, readSigned } from './signed.ts'

/** A version 2 certificate revocation list (RFC 5280 §5.1). */
export interface RevocationList {
  /** DER of the signed part, and r ‖ s over it. */
  readonly tbs: Uint8Array
  readonly signature: Uint8Array
  /** DER of the issuer's name. */
  readonly issuer: Uint8Array
  /** Unix milliseconds. */
  readonly thisUpdate: number
  readonly nextUpdate: number
  /** Serial numbers, hex. An entry counts whatever its date. */
  readonly revoked: ReadonlySet<string>
  /** OIDs of critical extensions, of the list and of its entries. */
  readonly critical: readonly string[]
}

/** Reads the one strict DER form of a CRL; `nextUpdate` is required. @throws DerError */
export function parseCrl(der: Uint8Array, place = 'crl'): RevocationList {
  const { tbs, fields, signature } = readSigned(der, place, P256_PROFILE)
  if (smallInteger(fields.content(DER.integer, 'version'), 1, place) !== 1) {
    throw new DerError(`${place}: expected version 2`)
  }
  readAlgorithm(fields, 'signature', P256_PROFILE)
  const issuer = fields.whole(DER.sequence, 'issuer')
  const thisUpdate = readTime(fields, `${place}.thisUpdate`)
  const nextUpdate = readTime(fields, `${place}.nextUpdate`)
  const entryCritical: string[] = []
  const revoked =
    fields.tag === DER.sequence
      ? readEntries(fields.inside(DER.sequence, 'revokedCertificates'), place, entryCritical)
      : new Set<string>()
  const wrapped = fields.inside(DER.explicit0, 'crlExtensions')
  const { critical } = readExtensions(wrapped.inside(DER.sequence, 'list'), place)
  wrapped.end()
  fields.end()
  return {
    tbs,
    signature,
    issuer,
    thisUpdate,
    nextUpdate,
    revoked,
    critical: [...critical, ...entryCritical],
  }
}

/** Extensions of nothing but a reason code that is not critical, up to the code itself: so is every entry of Intel's. */
const REASON_CODE = fromBareHex('300c300a0603551d1504030a01')

function isReasonCode(extensions: Uint8Array): boolean {
  return (
    extensions.length === REASON_CODE.length + 1 &&
    REASON_CODE.every((byte, index) => byte === extensions[index])
  )
}

function readEntries(list: DerReader, place: string, critical: string[]): ReadonlySet<string> {
  const revoked = new Set<string>()
  // An empty list is left out (RFC 5280 §5.1.2.6).
  if (list.done) throw new DerError(`${place}: an empty list of entries`)
  while (!list.done) {
    const entry = list.inside(DER.sequence, 'entry')
    const serial = readSerial(entry, place)
    if (revoked.has(serial)) throw new DerError(`${place}: ${serial} twice`)
    revoked.add(serial)
    readTime(entry, `${place}.revocationDate`)
    if (entry.done || isReasonCode(entry.rest())) continue
    critical.push(...readCriticalOnly(entry.inside(DER.sequence, 'extensions'), place))
    entry.end()
  }
  return revoked
}
