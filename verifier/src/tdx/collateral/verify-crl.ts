import { equalBytes } from '../../bytes/bytes.ts'
import { CheckFailure } from '../../report/check-failure.ts'
import type { Certificate } from '../../x509/certificate.ts'
import { parseCrl, type RevocationList } from '../../x509/crl.ts'
import { DerError } from '../../x509/der.ts'
import type { P256Verifier } from '../../x509/p256.ts'
import { isoTime } from '../../pki/issuance.ts'

/**
 * A revocation list by that issuer, signed by it and in force at `at` (Unix milliseconds). An empty or garbled list
 * would mean that nothing is revoked, which is what who carries it may want (attack B1).
 * @throws CheckFailure
 */
export async function verifyCrl(
  der: Uint8Array,
  issuer: Certificate,
  at: number,
  keys: P256Verifier,
): Promise<RevocationList> {
  const what = `CRL of ${issuer.commonName}`
  const crl = readCrl(der, what)
  if (!equalBytes(crl.issuer, issuer.subject)) {
    throw new CheckFailure('CRL_ISSUER_MISMATCH', what, 'a list of another issuer')
  }
  const [critical] = crl.critical
  if (critical !== undefined) {
    throw new CheckFailure('CRL_INVALID', `${what}: no critical extension`, critical)
  }
  if (at < crl.thisUpdate || at >= crl.nextUpdate) {
    throw new CheckFailure(
      at < crl.thisUpdate ? 'CRL_NOT_YET_VALID' : 'CRL_EXPIRED',
      `${what} in force at ${isoTime(at)}`,
      `${isoTime(crl.thisUpdate)} to ${isoTime(crl.nextUpdate)}`,
    )
  }
  if (!(await keys.verify(issuer.publicKey, crl.signature, crl.tbs))) {
    throw new CheckFailure('CRL_SIGNATURE_INVALID', `${what} signed by it`, 'signature invalid')
  }
  return crl
}

function readCrl(der: Uint8Array, what: string): RevocationList {
  try {
    return parseCrl(der)
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    throw new CheckFailure('CRL_INVALID', what, error.message)
  }
}
