import type { Certificate } from '../../x509/certificate.ts'
import { DER, DerError, DerReader, objectId } from '../../x509/der.ts'

/** TCG DICE Attestation Architecture: CompositeDeviceID of Hopper and LS10, and TcbInfo of Blackwell. */
const OID_COMPOSITE_DEVICE_ID = '2.23.133.5.4.1'
const OID_TCB_INFO = '2.23.133.5.4.1.1'
const OID_SHA384 = '2.16.840.1.101.3.4.2.2'
const TAG_FWIDS = 0xa6

/**
 * Digest of the firmware that a leaf certificate is for; undefined where no extension says so. Of several fwids in a
 * TcbInfo the first counts.
 * @throws DerError
 */
export function readFwid({ extensions }: Certificate): Uint8Array | undefined {
  const composite = extensions.get(OID_COMPOSITE_DEVICE_ID)
  if (composite !== undefined) return readCompositeDeviceId(composite)
  const tcbInfo = extensions.get(OID_TCB_INFO)
  return tcbInfo === undefined ? undefined : readTcbInfo(tcbInfo)
}

function readCompositeDeviceId(value: Uint8Array): Uint8Array {
  const all = new DerReader(value, 'compositeDeviceId')
  const fields = all.inside(DER.sequence, 'value')
  all.end()
  fields.content(DER.integer, 'version')
  fields.whole(DER.sequence, 'deviceId')
  const fwid = readDigest(fields.inside(DER.sequence, 'fwid'))
  fields.end()
  return fwid
}

function readTcbInfo(value: Uint8Array): Uint8Array | undefined {
  const all = new DerReader(value, 'tcbInfo')
  const fields = all.inside(DER.sequence, 'value')
  all.end()
  let fwid: Uint8Array | undefined
  while (!fields.done) {
    const tag = fields.tag ?? 0
    if (tag !== TAG_FWIDS) {
      fields.content(tag, 'field')
      continue
    }
    if (fwid !== undefined) throw new DerError('tcbInfo: fwids twice')
    fwid = readDigest(fields.inside(tag, 'fwids').inside(DER.sequence, 'fwid'))
  }
  return fwid
}

function readDigest(fwid: DerReader): Uint8Array {
  const algorithm = objectId(fwid.content(DER.objectId, 'hashAlg'), 'fwid')
  const digest = fwid.content(DER.octetString, 'digest')
  fwid.end()
  if (algorithm !== OID_SHA384 || digest.length !== 48) throw new DerError('fwid: not SHA-384')
  return digest
}
