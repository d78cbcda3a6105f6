import { issue } from '../pki/certificate-authority.ts'
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

/**
 * `GetTlsKey` (v0) and `IssueCert` (v1): a fresh P-256 key with a certificate of the KMS's CA. What would go into the
 * certificate as dstack's own extensions is refused rather than left out.
 */
export async function issueCertificate(
  td: SimulatedTd,
  fields: Fields,
): Promise<{ readonly key: string; readonly certificate_chain: readonly string[] }> {
  for (const name of ['usage_ra_tls', 'with_app_info']) {
    if (flag(fields, name)) throw new AgentError(`${name} is not simulated`)
  }
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
    extendedUsages: EXTENDED_USAGES.flatMap(([name, oid]) => (flag(fields, name) ? [oid] : [])),
  })
  return { key: await privateKeyPem(leaf.key), certificate_chain: [leaf.pem, ca.pem] }
}

function seconds(fields: Fields, name: string): Date | undefined {
  const value = wholeNumber(fields, name)
  if (value === undefined) return undefined
  if (value > MAX_UNIX_SECONDS) throw new AgentError(`invalid field ${name}: after the year 9999`)
  return new Date(value * 1000)
}
