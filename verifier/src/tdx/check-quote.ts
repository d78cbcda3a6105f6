import { concatBytes, equalBytes } from '../bytes/bytes.ts'
import { sha256 } from '../bytes/hash.ts'
import { byteKey } from '../bytes/byte-key.ts'
import { toHex } from '../bytes/hex.ts'
import { Recent } from '../bytes/recent.ts'
import { failed, passed, skipped, type Check } from '../report/check.ts'
import type { Certificate } from '../x509/certificate.ts'
import type { P256Verifier } from '../x509/p256.ts'
import type { Quote } from './quote.ts'

/** `quote-signature`: the attestation key signed header and body. */
export async function checkQuoteSignature(
  quote: Quote,
  keys: P256Verifier,
): Promise<Check<'quote-signature'>> {
  const name = 'quote-signature'
  const { attestationKey, quoteSignature } = quote.signature
  if (await keys.verify(attestationKey, quoteSignature, quote.signedBytes)) {
    return passed(name, { attestationKeySha256: toHex(sha256(attestationKey)) })
  }
  const expected = 'a signature by the attestation key'
  return failed(name, expected, 'signature invalid', 'QUOTE_SIGNATURE_INVALID')
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
    : failed(name, toHex(expected), toHex(qeReport.reportData), 'QE_REPORT_DATA_MISMATCH')
}

/** QE reports of as many platforms are kept. */
const MAX_KEPT_REPORTS = 256

/** Checks QE reports, and keeps those whose signature holds: a platform certifies its attestation key once. */
export class QeReports {
  readonly #keys: P256Verifier
  readonly #known = new Recent<true>(MAX_KEPT_REPORTS)

  constructor(keys: P256Verifier) {
    this.#keys = keys
  }

  /** `qe-report-signature`: the PCK leaf signed the QE report, which is not a debug enclave's. */
  async check(quote: Quote, leaf: Certificate | undefined): Promise<Check<'qe-report-signature'>> {
    const name = 'qe-report-signature'
    if (leaf === undefined) return skipped(name, 'there is no PCK leaf')
    const { qeReport, qeReportSignature } = quote.signature
    if (((qeReport.attributes[0] ?? 0) & SGX_ATTRIBUTE_DEBUG) !== 0) {
      return failed(name, 'a production quoting enclave', 'DEBUG is set', 'QE_DEBUG')
    }
    const evidence = { pckLeafSerial: leaf.serial }
    // All three decide: the same report under another key, or with another signature, is another question.
    const id = byteKey(concatBytes(leaf.publicKey, qeReportSignature, qeReport.raw))
    if (this.#known.get(id) === true) return passed(name, evidence)
    if (await this.#keys.verify(leaf.publicKey, qeReportSignature, qeReport.raw)) {
      this.#known.set(id, true)
      return passed(name, evidence)
    }
    const expected = 'a signature by the PCK leaf'
    return failed(name, expected, 'signature invalid', 'QE_REPORT_SIGNATURE_INVALID')
  }
}

const SGX_ATTRIBUTE_DEBUG = 0x02
