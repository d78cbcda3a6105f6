import { equalBytes } from '../bytes/bytes.ts'
import { sha256 } from '../bytes/hash.ts'
import { toHex } from '../bytes/hex.ts'
import { Recent } from '../bytes/recent.ts'
import { CheckFailure, type CheckFailureCode } from '../report/check-failure.ts'
import {
  OID_BASIC_CONSTRAINTS,
  OID_KEY_USAGE,
  parseCertificate,
  type Certificate,
} from '../x509/certificate.ts'
import { DerError } from '../x509/der.ts'
import type { P256Verifier } from '../x509/p256.ts'
import { PemError, pemBlockDer, pemBlocks } from '../x509/pem.ts'
import type { TrustAnchor } from './trust-anchor.ts'

/** Rules that hold for every certificate under Intel's root: PCK chains and the signers of collateral. */

const ROOT_NAME = 'Intel SGX Root CA'
const UNDERSTOOD_CRITICAL: readonly string[] = [OID_KEY_USAGE, OID_BASIC_CONSTRAINTS]
/** Longest PEM text of a chain; one of three certificates is about 4 KiB. */
const MAX_CHAIN_CHARACTERS: number = 16 * 1024

/** What the same fault is called in each kind of chain. */
export interface ChainCodes {
  readonly shape: CheckFailureCode
  readonly untrusted: CheckFailureCode
  readonly certificate: CheckFailureCode
  readonly signature: CheckFailureCode
  readonly expired: CheckFailureCode
  readonly notYetValid: CheckFailureCode
}

/** As many certificates are kept: the authorities come back with every chain, the leaves with their platforms. */
const MAX_KEPT_CERTIFICATES = 64

/** Certificates as one verifier meets them: each is read once, and the signature on it verified once. */
export class Certificates {
  readonly #keys: P256Verifier
  readonly #known = new Recent<Certificate>(MAX_KEPT_CERTIFICATES)

  constructor(keys: P256Verifier) {
    this.#keys = keys
  }

  /** Reads the certificates of a PEM chain, in its order. @throws CheckFailure */
  readChain(pem: string, count: number, what: string, codes: ChainCodes): readonly Certificate[] {
    try {
      return pemBlocks(pem, count, MAX_CHAIN_CHARACTERS).map((block) => this.#read(block))
    } catch (error) {
      if (error instanceof PemError) throw new CheckFailure(codes.shape, what, error.message)
      if (error instanceof DerError) throw new CheckFailure(codes.certificate, what, error.message)
      throw error
    }
  }

  /** Signed by that issuer's key. @throws CheckFailure */
  async requireSignature(
    certificate: Certificate,
    issuer: Certificate,
    codes: ChainCodes,
  ): Promise<void> {
    const { signature, tbs, commonName } = certificate
    if (!(await this.#keys.verifyOnce(issuer.publicKey, signature, tbs))) {
      const expected = `${commonName} signed by its issuer`
      throw new CheckFailure(codes.signature, expected, 'signature invalid')
    }
  }

  /**
   * Intel's root is pinned byte for byte, signature and all; one that was handed in must at least have signed itself.
   * @throws CheckFailure
   */
  async requireRootSignature(
    root: Certificate,
    anchor: TrustAnchor,
    codes: ChainCodes,
  ): Promise<void> {
    if (anchor.tier !== 'tdx') await this.requireSignature(root, root, codes)
  }

  #read(block: string): Certificate {
    const known = this.#known.get(block)
    if (known !== undefined) return known
    const certificate = parseCertificate(pemBlockDer(block))
    this.#known.set(block, certificate)
    return certificate
  }
}

/** The anchor's own bytes, self-issued and a CA. Names alone make no root (attack B12). */
export function requireAnchor(root: Certificate, anchor: TrustAnchor, codes: ChainCodes): void {
  if (!equalBytes(root.der, anchor.certificate)) {
    throw new CheckFailure(
      codes.untrusted,
      `root ${anchor.name}, sha256 ${toHex(sha256(anchor.certificate))}`,
      `root sha256 ${toHex(sha256(root.der))}`,
    )
  }
  requireAuthority(root, 'root', codes)
}

/** A certificate that may sign certificates and lists. */
export function requireAuthority(ca: Certificate, role: string, codes: ChainCodes): void {
  const { isCa, keyUsage } = ca
  if (!isCa || !keyUsage.keyCertSign || !keyUsage.cRLSign) {
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
  if (!equalBytes(certificate.issuer, issuer.certificate.subject)) {
    throw new CheckFailure(codes.certificate, `${role} issued by ${issuer.role}`, 'other name')
  }
}

/** Names of the root, which issued itself. */
export function requireRootNames(root: Certificate, codes: ChainCodes): void {
  requireNames(root, 'root', [ROOT_NAME], { certificate: root, role: 'itself' }, codes)
}

/** Valid at that time (Unix milliseconds), and without a critical extension that nobody here understands. */
export function requireValidAt(certificate: Certificate, at: number, codes: ChainCodes): void {
  const { commonName, notBefore, notAfter, critical } = certificate
  const unknown = critical.find((oid) => !UNDERSTOOD_CRITICAL.includes(oid))
  if (unknown !== undefined) {
    const expected = 'no unknown critical extension'
    throw new CheckFailure(codes.certificate, expected, `${commonName}: ${unknown}`)
  }
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
