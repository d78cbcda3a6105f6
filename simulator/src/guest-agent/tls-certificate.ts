import { issue, privateKeyPem } from '../pki/certificate-authority.ts'
import type { SimulatedTd } from '../td/simulated-td.ts'
import { AgentError, text, textList, type Fields } from './wire.ts'

const YEAR_MS = 365 * 24 * 3600 * 1000

/** `GetTlsKey` (v0) and `IssueCert` (v1): a fresh P-256 key with a certificate of the KMS's CA. */
export async function issueCertificate(
  td: SimulatedTd,
  fields: Fields,
): Promise<{ readonly key: string; readonly certificate_chain: readonly string[] }> {
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
  })
  return { key: await privateKeyPem(leaf.key), certificate_chain: [leaf.pem, ca.pem] }
}

function seconds(fields: Fields, name: string): Date | undefined {
  const value = fields[name]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'number') throw new AgentError(`invalid field ${name}: expected number`)
  return new Date(value * 1000)
}
