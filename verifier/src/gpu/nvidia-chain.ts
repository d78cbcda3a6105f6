import { equalBytes } from '../bytes/bytes.ts'
import { CheckFailure } from '../report/check-failure.ts'
import type { CertificateStore } from '../pki/certificates.ts'
import {
  requireAuthority,
  requireDates,
  requireEndEntity,
  requireIssuer,
  requireUnderstood,
  type ChainCodes,
} from '../pki/issuance.ts'
import type { Certificate } from '../x509/certificate.ts'
import { DER, DerError, DerReader } from '../x509/der.ts'

const OID_SUBJECT_KEY_ID = '2.5.29.14'
const OID_AUTHORITY_KEY_ID = '2.5.29.35'

/** A chain of NVIDIA's, leaf first and pinned root last, of which every link holds. */
export type NvidiaChain = readonly Certificate[]

/**
 * The chain of these certificates to that root: every link by name, key identifier, constraint and signature. A root at
 * the end must have the pinned key; the pinned certificate then takes its place. Dates are asked by
 * {@link requireChainDates}.
 * @throws CheckFailure
 */
export async function verifyNvidiaChain(
  given: readonly Certificate[],
  length: number,
  root: Certificate,
  store: CertificateStore,
  codes: ChainCodes,
): Promise<NvidiaChain> {
  const last = given.at(-1)
  if (given.length === length && !(last && equalBytes(last.publicKey, root.publicKey))) {
    const actual = last?.commonName ?? 'nothing'
    throw new CheckFailure(codes.untrusted, `the pinned key of ${root.commonName}`, actual)
  }
  const chain = [...given.slice(0, length - 1), root]
  for (const [index, certificate] of chain.entries()) {
    const issuer = chain[index + 1] ?? root
    requireLink(certificate, issuer, codes)
    requireUnderstood(certificate, codes)
    if (index === 0) requireEndEntity(certificate, certificate.commonName, codes)
    else requireAuthorityAbove(certificate, index - 1, codes)
  }
  // All at once: a backend may have threads.
  await Promise.all(
    chain.map((certificate, index) =>
      store.requireSignature(certificate, chain[index + 1] ?? root, codes),
    ),
  )
  return chain
}

/** Every certificate valid at `at`, Unix milliseconds. @throws CheckFailure */
export function requireChainDates(chain: NvidiaChain, at: number, codes: ChainCodes): void {
  for (const certificate of chain) requireDates(certificate, at, codes)
}

function requireAuthorityAbove(ca: Certificate, below: number, codes: ChainCodes): void {
  requireAuthority(ca, ca.commonName, codes, 'certificates')
  if (ca.pathLength !== undefined && ca.pathLength < below) {
    const expected = `${ca.commonName}: path length ${below}`
    throw new CheckFailure(codes.certificate, expected, String(ca.pathLength))
  }
}

function requireLink(certificate: Certificate, issuer: Certificate, codes: ChainCodes): void {
  const { commonName } = certificate
  requireIssuer(certificate, commonName, { certificate: issuer, role: issuer.commonName }, codes)
  const wanted = keyId(certificate, OID_AUTHORITY_KEY_ID, codes)
  if (!equalBytes(wanted, keyId(issuer, OID_SUBJECT_KEY_ID, codes))) {
    const expected = `${commonName}: key identifier of ${issuer.commonName}`
    throw new CheckFailure(codes.certificate, expected, 'another')
  }
}

/** The key identifier of an extension that holds nothing else (RFC 5280 §4.2.1.1, §4.2.1.2). */
function keyId(certificate: Certificate, oid: string, codes: ChainCodes): Uint8Array {
  const place = `${certificate.commonName}: ${oid}`
  const value = certificate.extensions.get(oid)
  if (value === undefined) throw new CheckFailure(codes.certificate, place, 'missing')
  return readDer(codes, place, () => {
    const all = new DerReader(value, place)
    const isAuthority = oid === OID_AUTHORITY_KEY_ID
    const from = isAuthority ? all.inside(DER.sequence, 'value') : all
    const id = from.content(isAuthority ? 0x80 : DER.octetString, 'keyIdentifier')
    from.end()
    all.end()
    return id
  })
}

function readDer<Value>(codes: ChainCodes, place: string, read: () => Value): Value {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    throw new CheckFailure(codes.certificate, place, error.message)
  }
}
