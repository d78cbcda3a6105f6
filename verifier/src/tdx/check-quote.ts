import { concatBytes, equalBytes } from '../bytes/bytes.ts'
import { sha256 } from '../bytes/hash.ts'
import { toHex } from '../bytes/hex.ts'
import { failed, passed, skipped, type Check } from '../report/check.ts'
import type { Certificate } from './certificate.ts'
import { verifyP256 } from './p256.ts'
import type { Quote } from './quote.ts'

/** `quote-signature`: the attestation key signed header and body. */
export async function checkQuoteSignature(quote: Quote): Promise<Check<'quote-signature'>> {
  const name = 'quote-signature'
  const { attestationKey, quoteSignature } = quote.signature
  return (await verifyP256({ point: attestationKey }, quoteSignature, quote.signedBytes))
    ? passed(name, { attestationKeySha256: toHex(sha256(attestationKey)) })
    : failed(name, 'a signature by the attestation key', 'signature invalid')
}

/**
 * `qe-report-binding`: QE REPORTDATA names the attestation key. Without it any key could sign (attack B9). The
 * hash runs over the whole auth data, whatever its length.
 */
export function checkQeReportBinding(quote: Quote): Check<'qe-report-binding'> {
  const name = 'qe-report-binding'
  const { attestationKey, qeAuthData, qeReport } = quote.signature
  const expected = concatBytes(sha256(concatBytes(attestationKey, qeAuthData)), new Uint8Array(32))
  return equalBytes(qeReport.reportData, expected)
    ? passed(name, { qeMrSigner: toHex(qeReport.mrSigner), qeIsvSvn: qeReport.isvSvn })
    : failed(name, toHex(expected), toHex(qeReport.reportData))
}

/** `qe-report-signature`: the PCK leaf signed the QE report, which is not a debug enclave's. */
export async function checkQeReportSignature(
  quote: Quote,
  leaf: Certificate | undefined,
): Promise<Check<'qe-report-signature'>> {
  const name = 'qe-report-signature'
  if (leaf === undefined) return skipped(name, 'there is no PCK leaf')
  const { qeReport, qeReportSignature } = quote.signature
  if (((qeReport.attributes[0] ?? 0) & SGX_ATTRIBUTE_DEBUG) !== 0) {
    return failed(name, 'a production quoting enclave', 'DEBUG is set')
  }
  return (await verifyP256({ spki: leaf.publicKey }, qeReportSignature, qeReport.raw))
    ? passed(name, { pckLeafSha256: toHex(sha256(leaf.der)) })
    : failed(name, 'a signature by the PCK leaf', 'signature invalid')
}

const SGX_ATTRIBUTE_DEBUG = 0x02
