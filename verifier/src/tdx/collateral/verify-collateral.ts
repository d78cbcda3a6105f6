import { equalBytes, utf8 } from '../../bytes/bytes.ts'
import {
  isoTime,
  requireAuthority,
  requireEndEntity,
  requireNames,
  requireValidAt,
  type ChainCodes,
} from '../../pki/issuance.ts'
import { CheckFailure, type CheckFailureCode } from '../../report/check-failure.ts'
import type { Certificate } from '../../x509/certificate.ts'
import type { RevocationList } from '../../x509/crl.ts'
import type { P256Verifier } from '../../x509/p256.ts'
import { PCK_CA_NAMES, PCK_CODES } from '../check-pck-chain.ts'
import { requireAnchor, requireRootNames, type Certificates } from '../issuance.ts'
import type { TrustAnchor } from '../trust-anchor.ts'
import { parseQeIdentity, type QeIdentity } from './qe-identity.ts'
import type { QuoteCollateral } from './quote-collateral.ts'
import { parseTcbInfo, type TcbInfo } from './tcb-info.ts'
import { verifyCrl } from './verify-crl.ts'

const SIGNER_NAME = 'Intel SGX TCB Signing'
const SIGNER_CODES: ChainCodes = {
  shape: 'COLLATERAL_SIGNER_INVALID',
  untrusted: 'COLLATERAL_SIGNER_INVALID',
  certificate: 'COLLATERAL_SIGNER_INVALID',
  signature: 'COLLATERAL_SIGNER_INVALID',
  expired: 'COLLATERAL_SIGNER_INVALID',
  notYetValid: 'COLLATERAL_SIGNER_INVALID',
}

/** Revocation lists that hold, and the CA that signed the one of PCK certificates. */
export interface Revocations {
  readonly rootCrl: RevocationList
  readonly pckCrl: RevocationList
  readonly pckCa: Certificate
}

/** A signed document that holds, and who signed it. */
export interface SignedDocument<Content> {
  readonly content: Content
  readonly signer: Certificate
}

/** What every part of a verification of collateral depends on. `at` in Unix milliseconds. */
export interface CollateralContext {
  readonly anchor: TrustAnchor
  readonly at: number
  readonly keys: P256Verifier
  readonly certificates: Certificates
}

/** `pck-revocation`, first half: both CRLs, each by its issuer, and the PCK CA not revoked. @throws CheckFailure */
export async function verifyRevocations(
  collateral: QuoteCollateral,
  { anchor, at, keys, certificates }: CollateralContext,
): Promise<Revocations> {
  const [pckCa, root] = readPair(
    collateral.pckCrlIssuerChain,
    'PCK CA, root',
    certificates,
    PCK_CODES,
  )
  requireAnchor(root, anchor, PCK_CODES)
  requireRootNames(root, PCK_CODES)
  const top = { certificate: root, role: 'the root' }
  requireNames(pckCa, 'PCK CA', PCK_CA_NAMES, top, PCK_CODES)
  requireAuthority(pckCa, 'PCK CA', PCK_CODES)
  for (const certificate of [pckCa, root]) requireValidAt(certificate, at, PCK_CODES)
  const [, , rootCrl, pckCrl] = await Promise.all([
    certificates.requireRootSignature(root, anchor, PCK_CODES),
    certificates.requireSignature(pckCa, root, PCK_CODES),
    verifyCrl(collateral.rootCaCrl, root, at, keys),
    verifyCrl(collateral.pckCrl, pckCa, at, keys),
  ])
  requireNotRevoked(pckCa, rootCrl, 'PCK_CA_REVOKED')
  return { rootCrl, pckCrl, pckCa }
}

/** `tcb-info`, first half: the document, its dates, its signer. @throws CheckFailure */
export async function verifyTcbInfo(
  { tcbInfo, tcbInfoSignature, tcbInfoIssuerChain }: QuoteCollateral,
  context: CollateralContext,
): Promise<SignedDocument<TcbInfo>> {
  const parts = { text: tcbInfo, signature: tcbInfoSignature, issuerChain: tcbInfoIssuerChain }
  return verifyDocument('tcbInfo', parts, parseTcbInfo, context)
}

/** `qe-identity`, first half: the document, its dates, its signer. @throws CheckFailure */
export async function verifyQeIdentity(
  { qeIdentity, qeIdentitySignature, qeIdentityIssuerChain }: QuoteCollateral,
  context: CollateralContext,
): Promise<SignedDocument<QeIdentity>> {
  const parts = {
    text: qeIdentity,
    signature: qeIdentitySignature,
    issuerChain: qeIdentityIssuerChain,
  }
  return verifyDocument('enclaveIdentity', parts, parseQeIdentity, context)
}

/** A document of which `parse` reads the exact text: signed by the TCB signing key, and in force. @throws CheckFailure */
export async function verifyDocument<Content extends Dated>(
  what: string,
  parts: { readonly text: string; readonly signature: Uint8Array; readonly issuerChain: string },
  parse: (text: string) => Content,
  context: CollateralContext,
): Promise<SignedDocument<Content>> {
  const signer = await verifySigner(parts.issuerChain, context)
  const content = parse(parts.text)
  requireInForce(content, what, context.at)
  if (!(await context.keys.verify(signer.publicKey, parts.signature, utf8(parts.text)))) {
    const expected = `${what} signed by ${SIGNER_NAME}`
    throw new CheckFailure('COLLATERAL_SIGNATURE_INVALID', expected, 'signature invalid')
  }
  return { content, signer }
}

/** A certificate whose serial number its issuer's list does not hold; serials are scoped to their issuer. */
export function requireNotRevoked(
  certificate: Certificate,
  crl: RevocationList,
  code: CheckFailureCode,
): void {
  if (!equalBytes(certificate.issuer, crl.issuer)) {
    const actual = 'the list of another issuer'
    throw new CheckFailure('CRL_ISSUER_MISMATCH', `${certificate.commonName}: its issuer's`, actual)
  }
  if (crl.revoked.has(certificate.serial)) {
    const expected = `${certificate.commonName} not revoked`
    throw new CheckFailure(code, expected, `serial ${certificate.serial} is in the list`)
  }
}

function readPair(
  pem: string,
  what: string,
  certificates: Certificates,
  codes: ChainCodes,
): readonly [Certificate, Certificate] {
  const [first, second] = certificates.readChain(pem, 2, what, codes)
  if (first === undefined || second === undefined) {
    throw new CheckFailure(codes.shape, what, 'fewer certificates')
  }
  return [first, second]
}

/**
 * The TCB signing certificate of a chain signer, root. Its name is its role: a PCK leaf has a chain to the same root,
 * and its key, taken out of one machine, must not sign collateral for all.
 */
async function verifySigner(
  pem: string,
  { anchor, at, certificates }: CollateralContext,
): Promise<Certificate> {
  const [signer, root] = readPair(pem, 'TCB signing, root', certificates, SIGNER_CODES)
  requireAnchor(root, anchor, SIGNER_CODES)
  requireRootNames(root, SIGNER_CODES)
  const top = { certificate: root, role: 'the root' }
  requireNames(signer, 'signer', [SIGNER_NAME], top, SIGNER_CODES)
  requireEndEntity(signer, 'signer', SIGNER_CODES)
  for (const certificate of [signer, root]) requireValidAt(certificate, at, SIGNER_CODES)
  await Promise.all([
    certificates.requireRootSignature(root, anchor, SIGNER_CODES),
    certificates.requireSignature(signer, root, SIGNER_CODES),
  ])
  return signer
}

/** Unix milliseconds. */
interface Dated {
  readonly issueDate: number
  readonly nextUpdate: number
}

function requireInForce({ issueDate, nextUpdate }: Dated, what: string, at: number): void {
  if (at >= issueDate && at <= nextUpdate) return
  throw new CheckFailure(
    at < issueDate ? 'COLLATERAL_NOT_YET_VALID' : 'COLLATERAL_EXPIRED',
    `${what} in force at ${isoTime(at)}`,
    `${isoTime(issueDate)} to ${isoTime(nextUpdate)}`,
  )
}
