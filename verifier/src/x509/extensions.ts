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
    const { content } = extension.element(DER.objectId, 'extnID')
    if (extension.tag === DER.boolean) {
      extension.element(DER.boolean, 'critical')
      critical.push(objectId(content, place))
    }
    extension.element(DER.octetString, 'extnValue')
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
    const oid = objectId(extension.element(DER.objectId, 'extnID').content, place)
    if (extension.tag === DER.boolean) {
      // FALSE is the default, and DER leaves defaults out.
      if (!booleanValue(extension.element(DER.boolean, 'critical').content, place)) {
        throw new DerError(`${place}: ${oid} states that it is not critical`)
      }
      critical.push(oid)
    }
    const { content } = extension.element(DER.octetString, 'extnValue')
    extension.end()
    if (byOid.has(oid)) throw new DerError(`${place}: ${oid} twice`)
    byOid.set(oid, content)
  }
  return { byOid, critical }
}
