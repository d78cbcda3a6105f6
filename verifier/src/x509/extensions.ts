import { booleanValue, DER, DerError, objectId, type DerReader } from './der.ts'

/** X.509 extensions of a certificate or CRL, by OID. */
export interface Extensions {
  readonly byOid: ReadonlyMap<string, Uint8Array>
  /** OIDs of those that must be understood. */
  readonly critical: readonly string[]
}

/**
 * OIDs of critical extensions of a list whose extensions mean nothing here, such as those of a CRL's entries: a
 * list of revocations has many.
 */
export function readCriticalOnly(list: DerReader, place: string): readonly string[] {
  const critical: string[] = []
  while (!list.done) {
    const extension = list.inside(DER.sequence, 'extension')
    const id = extension.content(DER.objectId, 'extnID')
    if (extension.tag === DER.boolean) {
      extension.content(DER.boolean, 'critical')
      critical.push(objectId(id, place))
    }
    extension.content(DER.octetString, 'extnValue')
    extension.end()
  }
  return critical
}

/** Reads Extensions (RFC 5280 §4.2); none may stand twice. */
export function readExtensions(list: DerReader, place: string): Extensions {
  const byOid = new Map<string, Uint8Array>()
  const critical: string[] = []
  while (!list.done) {
    const extension = list.inside(DER.sequence, 'extension')
    const oid = objectId(extension.content(DER.objectId, 'extnID'), place)
    if (extension.tag === DER.boolean) {
      // FALSE is the default, and DER leaves defaults out.
      if (!booleanValue(extension.content(DER.boolean, 'critical'), place)) {
        throw new DerError(`${place}: ${oid} states that it is not critical`)
      }
      critical.push(oid)
    }
    const value = extension.content(DER.octetString, 'extnValue')
    extension.end()
    if (byOid.has(oid)) throw new DerError(`${place}: ${oid} twice`)
    byOid.set(oid, value)
  }
  return { byOid, critical }
}
