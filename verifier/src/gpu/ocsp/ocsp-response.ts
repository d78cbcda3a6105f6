import { VerifierError } from '../../errors.ts'
import { parseCertificate, readSerial, type Certificate } from '../../x509/certificate.ts'
import { DER, DerError, DerReader, objectId, readTime, smallInteger } from '../../x509/der.ts'
import { P384_PROFILE } from '../../x509/ecdsa-profile.ts'
import { readExtensions } from '../../x509/extensions.ts'
import { readSignature } from '../../x509/signed.ts'

const MAX_RESPONSE_BYTES = 8192
const OID_BASIC = '1.3.6.1.5.5.7.48.1.1'
const OID_NONCE = '1.3.6.1.5.5.7.48.1.2'
const TAG = {
  explicit1: 0xa1,
  explicit2: 0xa2,
  null: 0x05,
  good: 0x80,
  revoked: 0xa1,
  unknown: 0x82,
}
/** Hash algorithms of a CertID, as Web Crypto names them. */
const HASHES: Readonly<Record<string, CertIdHash>> = {
  '1.3.14.3.2.26': 'SHA-1',
  '2.16.840.1.101.3.4.2.1': 'SHA-256',
  '2.16.840.1.101.3.4.2.2': 'SHA-384',
}
/** CRLReason certificateHold (RFC 5280 §5.3.1). */
const CERTIFICATE_HOLD = 6
const MAX_REASON = 10

export type CertIdHash = 'SHA-1' | 'SHA-256' | 'SHA-384'
export type CertStatus = 'good' | 'revoked' | 'on-hold' | 'unknown'

/** A basic OCSP answer about one certificate (RFC 6960 §4.2.1), by one delegated responder. */
export interface OcspResponse {
  readonly tbs: Uint8Array
  /** r ‖ s. */
  readonly signature: Uint8Array
  readonly responder: Certificate
  readonly certId: {
    readonly hash: CertIdHash
    readonly issuerNameHash: Uint8Array
    readonly issuerKeyHash: Uint8Array
    /** Hex of the INTEGER's value. */
    readonly serial: string
  }
  readonly status: CertStatus
  /** Unix milliseconds. */
  readonly thisUpdate: number
  readonly nextUpdate: number
  readonly nonce: Uint8Array | undefined
}

/** Reads an answer of NVIDIA's responders; another form is refused. @throws VerifierError `OCSP_INVALID` */
export function parseOcspResponse(der: Uint8Array): OcspResponse {
  try {
    if (der.length > MAX_RESPONSE_BYTES) throw new DerError(`more than ${MAX_RESPONSE_BYTES} bytes`)
    return readBasic(readOuter(der))
  } catch (cause) {
    if (!(cause instanceof DerError)) throw cause
    throw new VerifierError('OCSP_INVALID', `OCSP answer: ${cause.message}`, { cause })
  }
}

function readOuter(der: Uint8Array): Uint8Array {
  const all = new DerReader(der, 'ocsp')
  const outer = all.inside(DER.sequence, 'response')
  all.end()
  const status = smallInteger(outer.content(DER.enumerated, 'responseStatus'), 255, 'ocsp')
  if (status !== 0) throw new DerError(`responseStatus ${status}`)
  const wrapped = outer.inside(DER.explicit0, 'responseBytes')
  outer.end()
  const bytes = wrapped.inside(DER.sequence, 'value')
  wrapped.end()
  if (objectId(bytes.content(DER.objectId, 'responseType'), 'ocsp') !== OID_BASIC) {
    throw new DerError('not a basic answer')
  }
  const basic = bytes.content(DER.octetString, 'response')
  bytes.end()
  return basic
}

function readBasic(der: Uint8Array): OcspResponse {
  const all = new DerReader(der, 'basic')
  const outer = all.inside(DER.sequence, 'response')
  all.end()
  const tbs = outer.whole(DER.sequence, 'tbsResponseData')
  const signature = readSignature(outer, 'basic', P384_PROFILE)
  const wrapped = outer.inside(DER.explicit0, 'certs')
  outer.end()
  const certs = wrapped.inside(DER.sequence, 'list')
  wrapped.end()
  const responder = parseCertificate(
    certs.whole(DER.sequence, 'responder'),
    'responder',
    P384_PROFILE,
  )
  certs.end()
  const data = new DerReader(tbs, 'tbs').inside(DER.sequence, 'responseData')
  const byKey = data.tag === TAG.explicit2
  data.whole(byKey ? TAG.explicit2 : TAG.explicit1, 'responderID')
  readTime(data, 'producedAt')
  const responses = data.inside(DER.sequence, 'responses')
  const single = readSingle(responses.inside(DER.sequence, 'single'))
  responses.end()
  const nonce = data.done ? undefined : readNonce(data.inside(TAG.explicit1, 'extensions'))
  data.end()
  return { tbs, signature, responder, ...single, nonce }
}

function readSingle(
  single: DerReader,
): Pick<OcspResponse, 'certId' | 'status' | 'thisUpdate' | 'nextUpdate'> {
  const certId = readCertId(single.inside(DER.sequence, 'certID'))
  const status = readStatus(single)
  const thisUpdate = readTime(single, 'thisUpdate')
  const next = single.inside(DER.explicit0, 'nextUpdate')
  const nextUpdate = readTime(next, 'nextUpdate')
  next.end()
  // Nothing that an extension of a single answer could add would make it better.
  if (!single.done) requireNothingCritical(single.inside(TAG.explicit1, 'singleExtensions'))
  single.end()
  return { certId, status, thisUpdate, nextUpdate }
}

function readCertId(id: DerReader): OcspResponse['certId'] {
  const algorithm = id.inside(DER.sequence, 'hashAlgorithm')
  const oid = objectId(algorithm.content(DER.objectId, 'algorithm'), 'certID')
  if (!algorithm.done && algorithm.content(TAG.null, 'parameters').length > 0) {
    throw new DerError('certID: hash with parameters')
  }
  algorithm.end()
  const hash = HASHES[oid]
  if (hash === undefined) throw new DerError(`certID: hash ${oid}`)
  const issuerNameHash = id.content(DER.octetString, 'issuerNameHash')
  const issuerKeyHash = id.content(DER.octetString, 'issuerKeyHash')
  const serial = readSerial(id, 'certID')
  id.end()
  return { hash, issuerNameHash, issuerKeyHash, serial }
}

function readStatus(single: DerReader): CertStatus {
  const { tag } = single
  if (tag !== TAG.good && tag !== TAG.unknown)
    return readRevoked(single.inside(TAG.revoked, 'revoked'))
  requireEmpty(single.content(tag, 'certStatus'))
  return tag === TAG.good ? 'good' : 'unknown'
}

function requireEmpty(content: Uint8Array): void {
  if (content.length > 0) throw new DerError('certStatus: something in it')
}

function readRevoked(info: DerReader): CertStatus {
  readTime(info, 'revocationTime')
  if (info.done) return 'revoked'
  const wrapped = info.inside(DER.explicit0, 'revocationReason')
  const reason = smallInteger(wrapped.content(DER.enumerated, 'reason'), MAX_REASON, 'reason')
  wrapped.end()
  info.end()
  return reason === CERTIFICATE_HOLD ? 'on-hold' : 'revoked'
}

function readNonce(wrapped: DerReader): Uint8Array | undefined {
  const { byOid, critical } = readExtensions(wrapped.inside(DER.sequence, 'list'), 'ocsp')
  wrapped.end()
  const unknown = critical.find((oid) => oid !== OID_NONCE)
  if (unknown !== undefined) throw new DerError(`critical extension ${unknown}`)
  const value = byOid.get(OID_NONCE)
  if (value === undefined) return undefined
  const all = new DerReader(value, 'nonce')
  const nonce = all.content(DER.octetString, 'value')
  all.end()
  return nonce
}

function requireNothingCritical(wrapped: DerReader): void {
  const [unknown] = readExtensions(wrapped.inside(DER.sequence, 'list'), 'ocsp').critical
  wrapped.end()
  if (unknown !== undefined) throw new DerError(`critical extension ${unknown}`)
}
