import { createHash } from 'node:crypto'
import { concatBytes } from '@jeju/verifier/protocol'
import { issue, type CertificateExtension } from '../pki/certificate-authority.ts'
import { privateKeyPem } from '../pki/signing-key.ts'
import type { SimulatedTd } from '../td/simulated-td.ts'
import { AgentError, flag, text, textList, wholeNumber, type Fields } from './wire.ts'

const YEAR_MS = 365 * 24 * 3600 * 1000
/** The last second of the year 9999: X.509 knows no later time. */
const MAX_UNIX_SECONDS = 253_402_300_799
const EXTENDED_USAGES = [
  ['usage_server_auth', '1.3.6.1.5.5.7.3.1'],
  ['usage_client_auth', '1.3.6.1.5.5.7.3.2'],
] as const

/** dstack's extension for the attestation of an RA-TLS leaf. */
const OID_ATTESTATION = '1.3.6.1.4.1.62397.1.8'

/** An attestation over report data, in the form of the surface that is asked. */
export type Attest = (reportData: Uint8Array) => Promise<Uint8Array>

/**
 * `GetTlsKey` (v0) and `IssueCert` (v1): a fresh P-256 key with a certificate of the KMS's CA. With `usage_ra_tls` the
 * leaf carries an attestation over SHA-512("ratls-cert:" ‖ SPKI). What else would go into the certificate as dstack's
 * own extensions is refused rather than left out, and so is RA-TLS on a surface without `attest`.
 */
export async function issueCertificate(
  td: SimulatedTd,
  fields: Fields,
  attest?: Attest,
): Promise<{ readonly key: string; readonly certificate_chain: readonly string[] }> {
  if (flag(fields, 'with_app_info')) throw new AgentError('with_app_info is not simulated')
  const isRaTls = flag(fields, 'usage_ra_tls')
  if (isRaTls && attest === undefined) throw new AgentError('usage_ra_tls is not simulated')
  const from = seconds(fields, 'not_before') ?? new Date()
  const until = seconds(fields, 'not_after') ?? new Date(from.getTime() + YEAR_MS)
  if (from >= until) throw new AgentError('not_before must be before not_after')
  const { ca } = td.platform.kms
  const subject = text(fields, 'subject')
  const leaf = await issue({
    commonName: subject === '' ? 'localhost' : subject,
    validity: { from, until },
    role: 'leaf',
    issuer: ca,
    alternativeNames: textList(fields, 'alt_names'),
    ...(isRaTls && attest ? { extensionsOfKey: (keyInfo) => attested(keyInfo, attest) } : {}),
    extendedUsages: EXTENDED_USAGES.flatMap(([name, oid]) => (flag(fields, name) ? [oid] : [])),
  })
  return { key: await privateKeyPem(leaf.key), certificate_chain: [leaf.pem, ca.pem] }
}

async function attested(
  keyInfo: Uint8Array,
  attest: Attest,
): Promise<readonly CertificateExtension[]> {
  const reportData = createHash('sha512').update('ratls-cert:').update(keyInfo).digest()
  const attestation = await attest(new Uint8Array(reportData))
  return [{ oid: OID_ATTESTATION, der: octetString(attestation) }]
}

/** DER of an OCTET STRING of more than 255 and fewer than 65,536 bytes. */
function octetString(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return concatBytes(Uint8Array.of(0x04, 0x82, bytes.length >> 8, bytes.length & 0xff), bytes)
}

function seconds(fields: Fields, name: string): Date | undefined {
  const value = wholeNumber(fields, name)
  if (value === undefined) return undefined
  if (value > MAX_UNIX_SECONDS) throw new AgentError(`invalid field ${name}: after the year 9999`)
  return new Date(value * 1000)
}
