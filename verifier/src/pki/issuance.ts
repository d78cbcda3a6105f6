import { equalBytes } from '../bytes/bytes.ts'
import { CheckFailure, type CheckFailureCode } from '../report/check-failure.ts'
import { OID_BASIC_CONSTRAINTS, OID_KEY_USAGE, type Certificate } from '../x509/certificate.ts'

/** Rules that hold for every certificate of a chain, whoever's PKI it is. */

const UNDERSTOOD_CRITICAL: readonly string[] = [OID_KEY_USAGE, OID_BASIC_CONSTRAINTS]

/** What the same fault is called in each kind of chain. */
export interface ChainCodes {
  readonly shape: CheckFailureCode
  readonly untrusted: CheckFailureCode
  readonly certificate: CheckFailureCode
  readonly signature: CheckFailureCode
  readonly expired: CheckFailureCode
  readonly notYetValid: CheckFailureCode
}

/** A certificate that may sign certificates, and lists of revoked ones where it must. */
export function requireAuthority(
  ca: Certificate,
  role: string,
  codes: ChainCodes,
  signs: 'certificates' | 'certificates and lists' = 'certificates and lists',
): void {
  const { isCa, keyUsage } = ca
  if (!isCa || !keyUsage.keyCertSign || (signs !== 'certificates' && !keyUsage.cRLSign)) {
    throw new CheckFailure(codes.certificate, `${role}: CA`, 'other constraints')
  }
}

/** A certificate that may sign data, and nothing else. */
export function requireEndEntity(leaf: Certificate, role: string, codes: ChainCodes): void {
  const { isCa, keyUsage } = leaf
  if (isCa || keyUsage.keyCertSign || !keyUsage.digitalSignature) {
    throw new CheckFailure(
      codes.certificate,
      `${role}: no CA, digitalSignature`,
      'other constraints',
    )
  }
}

/** One of these common names, and the issuer's subject as issuer, byte for byte. */
export function requireNames(
  certificate: Certificate,
  role: string,
  commonNames: readonly string[],
  issuer: { readonly certificate: Certificate; readonly role: string },
  codes: ChainCodes,
): void {
  if (!commonNames.includes(certificate.commonName)) {
    const expected = `${role} CN ${commonNames.join(' or ')}`
    throw new CheckFailure(codes.certificate, expected, certificate.commonName)
  }
  requireIssuer(certificate, role, issuer, codes)
}

/** The issuer's subject as issuer, byte for byte. */
export function requireIssuer(
  certificate: Certificate,
  role: string,
  issuer: { readonly certificate: Certificate; readonly role: string },
  codes: ChainCodes,
): void {
  if (!equalBytes(certificate.issuer, issuer.certificate.subject)) {
    throw new CheckFailure(codes.certificate, `${role} issued by ${issuer.role}`, 'other name')
  }
}

/** Without a critical extension that nobody here understands. */
export function requireUnderstood(
  { commonName, critical }: Certificate,
  codes: ChainCodes,
  others: readonly string[] = [],
): void {
  const unknown = critical.find((oid) => ![...UNDERSTOOD_CRITICAL, ...others].includes(oid))
  if (unknown === undefined) return
  const expected = 'no unknown critical extension'
  throw new CheckFailure(codes.certificate, expected, `${commonName}: ${unknown}`)
}

/** Valid at that time (Unix milliseconds), and without a critical extension that nobody here understands. */
export function requireValidAt(certificate: Certificate, at: number, codes: ChainCodes): void {
  requireUnderstood(certificate, codes)
  requireDates(certificate, at, codes)
}

/** Valid at that time, Unix milliseconds; both ends belong to it. */
export function requireDates(certificate: Certificate, at: number, codes: ChainCodes): void {
  const { commonName, notBefore, notAfter } = certificate
  if (at >= notBefore && at <= notAfter) return
  throw new CheckFailure(
    at < notBefore ? codes.notYetValid : codes.expired,
    `${commonName} valid at ${isoTime(at)}`,
    `${isoTime(notBefore)} to ${isoTime(notAfter)}`,
  )
}

/** ISO 8601 of Unix milliseconds, for messages. */
export function isoTime(at: number): string {
  return new Date(at).toISOString()
}
