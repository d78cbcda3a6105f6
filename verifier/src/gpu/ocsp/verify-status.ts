import { equalBytes } from '../../bytes/bytes.ts'
import { CheckFailure, type CheckFailureCode } from '../../report/check-failure.ts'
import type { CertificateStore } from '../../pki/certificates.ts'
import {
  isoTime,
  requireDates,
  requireEndEntity,
  requireIssuer,
  requireUnderstood,
  type ChainCodes,
} from '../../pki/issuance.ts'
import type { Certificate } from '../../x509/certificate.ts'
import { DER, DerError, DerReader, objectId } from '../../x509/der.ts'
import type { SignatureVerifier } from '../../x509/ecdsa.ts'
import type { NvidiaChain } from '../nvidia-chain.ts'
import { issuerHashes } from './cert-id.ts'
import type { CertStatus, OcspResponse } from './ocsp-response.ts'

const OID_EXTENDED_KEY_USAGE = '2.5.29.37'
const OID_OCSP_SIGNING = '1.3.6.1.5.5.7.3.9'
/** Clocks of a responder and of who asks may differ by as much. */
const MAX_SKEW_MS = 60_000

const RESPONDER_CODES: ChainCodes = {
  shape: 'OCSP_INVALID',
  untrusted: 'OCSP_SIGNATURE_INVALID',
  certificate: 'OCSP_SIGNATURE_INVALID',
  signature: 'OCSP_SIGNATURE_INVALID',
  expired: 'OCSP_SIGNATURE_INVALID',
  notYetValid: 'OCSP_SIGNATURE_INVALID',
}
const STATUS_CODES: Readonly<Record<Exclude<CertStatus, 'good'>, CheckFailureCode>> = {
  revoked: 'OCSP_REVOKED',
  'on-hold': 'OCSP_ON_HOLD',
  unknown: 'OCSP_UNKNOWN',
}

/** Answers that somebody has, and under which rules they count. */
export interface OcspSource {
  readonly responses: readonly OcspResponse[]
  /** Whether a certificate without answer is refused. */
  readonly required: boolean
  /** The nonce that was sent, where one was. */
  readonly nonce: Uint8Array | undefined
  /** Unix milliseconds. */
  readonly at: number
}

/**
 * Status of the certificates of a chain from `first` on, without its root: every answer about one of them must be by a
 * responder of its issuer, in force, and good. A certificate on hold is not good.
 * @returns how many had an answer
 * @throws CheckFailure
 */
export async function verifyChainStatus(
  chain: NvidiaChain,
  first: number,
  source: OcspSource,
  store: CertificateStore,
  keys: SignatureVerifier,
): Promise<number> {
  const answered = await Promise.all(
    chain.slice(first, -1).map(async (certificate, index) => {
      const issuer = chain[first + index + 1]
      return issuer !== undefined && verifyStatus(certificate, issuer, source, store, keys)
    }),
  )
  return answered.filter(Boolean).length
}

async function verifyStatus(
  certificate: Certificate,
  issuer: Certificate,
  { responses, required, nonce, at }: OcspSource,
  store: CertificateStore,
  keys: SignatureVerifier,
): Promise<boolean> {
  const { commonName, serial } = certificate
  const bySerial = responses.filter(({ certId }) => certId.serial === serial)
  const isAbout = await Promise.all(bySerial.map((response) => isByIssuer(response, issuer)))
  const about = bySerial.filter((_, index) => isAbout[index])
  if (about.length === 0 && required) {
    const expected = `an OCSP answer about ${commonName}, serial ${serial}`
    throw new CheckFailure('OCSP_MISSING', expected, 'none')
  }
  for (const response of about) {
    await requireResponder(response, issuer, at, store, keys)
    requireInForce(response, commonName, at)
    if (nonce && !(response.nonce && equalBytes(response.nonce, nonce))) {
      const actual = response.nonce ? 'another' : 'none'
      throw new CheckFailure('OCSP_NONCE_MISMATCH', `${commonName}: the nonce sent`, actual)
    }
    const { status } = response
    if (status !== 'good') {
      throw new CheckFailure(STATUS_CODES[status], `${commonName}: good`, status)
    }
  }
  return about.length > 0
}

/** The CertID names that issuer by name and key. */
async function isByIssuer({ certId }: OcspResponse, issuer: Certificate): Promise<boolean> {
  const { issuerNameHash, issuerKeyHash } = await issuerHashes(issuer, certId.hash)
  return (
    equalBytes(issuerNameHash, certId.issuerNameHash) &&
    equalBytes(issuerKeyHash, certId.issuerKeyHash)
  )
}

/** A certificate by the same issuer that is for signing answers (RFC 6960 §4.2.2.2), and its signature. */
async function requireResponder(
  { responder, signature, tbs }: OcspResponse,
  issuer: Certificate,
  at: number,
  store: CertificateStore,
  keys: SignatureVerifier,
): Promise<void> {
  const { commonName } = responder
  const codes = RESPONDER_CODES
  requireIssuer(responder, commonName, { certificate: issuer, role: issuer.commonName }, codes)
  requireEndEntity(responder, commonName, codes)
  requireUnderstood(responder, codes, [OID_EXTENDED_KEY_USAGE])
  if (!usagesOf(responder).includes(OID_OCSP_SIGNING)) {
    throw new CheckFailure(codes.certificate, `${commonName}: OCSPSigning`, 'other usages')
  }
  requireDates(responder, at, codes)
  await store.requireSignature(responder, issuer, codes)
  if (!(await keys.verifyOnce(responder.publicKey, signature, tbs))) {
    throw new CheckFailure(codes.signature, `signed by ${commonName}`, 'signature invalid')
  }
}

function usagesOf({ extensions }: Certificate): readonly string[] {
  const value = extensions.get(OID_EXTENDED_KEY_USAGE)
  if (value === undefined) return []
  try {
    const list = new DerReader(value, 'extKeyUsage').inside(DER.sequence, 'value')
    const usages: string[] = []
    while (!list.done) usages.push(objectId(list.content(DER.objectId, 'usage'), 'usage'))
    return usages
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    return []
  }
}

function requireInForce(
  { thisUpdate, nextUpdate }: OcspResponse,
  commonName: string,
  at: number,
): void {
  if (at >= thisUpdate - MAX_SKEW_MS && at <= nextUpdate + MAX_SKEW_MS) return
  const expected = `answer about ${commonName} in force at ${isoTime(at)}`
  const actual = `${isoTime(thisUpdate)} to ${isoTime(nextUpdate)}`
  throw new CheckFailure('OCSP_STALE', expected, actual)
}
