import type { Certificate } from '../../x509/certificate.ts'
import { DER, DerError, DerReader, objectId } from '../../x509/der.ts'

const OID_SUBJECT_ALT_NAME = '2.5.29.17'
/** DMTF device info (DSP0274 §10.6.1.2). */
const OID_DEVICE_INFO = '1.3.6.1.4.1.412.274.1'
const OTHER_NAME = 0xa0

/** Chip and chip id that a leaf names, out of `NVIDIA:GH100:48B02D…`. @throws DerError */
export function readChipId({ extensions }: Certificate): {
  readonly chip: string
  readonly id: string
} {
  const all = new DerReader(extensions.get(OID_SUBJECT_ALT_NAME) ?? new Uint8Array(0), 'leaf')
  const names = all.inside(DER.sequence, 'subjectAltName')
  all.end()
  const other = names.inside(OTHER_NAME, 'otherName')
  names.end()
  const type = objectId(other.content(DER.objectId, 'type'), 'otherName')
  const wrapped = other.inside(DER.explicit0, 'value')
  other.end()
  const text = new TextDecoder('latin1').decode(wrapped.content(DER.utf8String, 'deviceInfo'))
  wrapped.end()
  const found = /^NVIDIA:([A-Z0-9_]+):([0-9A-F]{16})$/.exec(text)
  if (type !== OID_DEVICE_INFO || !found) throw new DerError('leaf: not a device name of NVIDIA')
  return { chip: found[1] ?? '', id: found[2] ?? '' }
}
