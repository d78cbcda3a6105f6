/**
 * Codes of failed checks of Intel's evidence and collateral. The prefix says what is wrong: the platform's
 * certificates (PCK), a revocation list (CRL), collateral to be fetched afresh, the quoting enclave (QE), the TDX
 * module, or the level of the platform (TCB).
 */
export const CHECK_FAILURE_CODES = [
  'QUOTE_SIGNATURE_INVALID', // not signed by the attestation key
  'PCK_CHAIN_INVALID', // not leaf, intermediate, root in PEM
  'PCK_CHAIN_UNTRUSTED', // ends in another root
  'PCK_CERT_INVALID', // DER, name, extension or constraint
  'PCK_CERT_EXPIRED',
  'PCK_CERT_NOT_YET_VALID',
  'PCK_SIGNATURE_INVALID', // a certificate is not signed by its issuer
  'PCK_SGX_EXTENSION_INVALID', // a field missing, doubled or out of range
  'PCK_REVOKED',
  'PCK_CA_REVOKED',
  'CRL_INVALID', // not a version 2 CRL in strict DER
  'CRL_ISSUER_MISMATCH',
  'CRL_SIGNATURE_INVALID',
  'CRL_EXPIRED',
  'CRL_NOT_YET_VALID',
  'COLLATERAL_FORMAT', // a document is not what its schema says
  'COLLATERAL_DUPLICATE_MEMBER',
  'COLLATERAL_VERSION_UNSUPPORTED',
  'COLLATERAL_SIGNER_INVALID', // not a TCB signing certificate of the anchor
  'COLLATERAL_SIGNER_REVOKED',
  'COLLATERAL_SIGNATURE_INVALID',
  'COLLATERAL_EXPIRED',
  'COLLATERAL_NOT_YET_VALID',
  'COLLATERAL_FMSPC_MISMATCH',
  'COLLATERAL_PCEID_MISMATCH',
  'QE_REPORT_SIGNATURE_INVALID',
  'QE_REPORT_DATA_MISMATCH',
  'QE_DEBUG',
  'QE_IDENTITY_MISMATCH',
  'QE_TCB_NOT_SUPPORTED',
  'TDX_MODULE_UNKNOWN',
  'TDX_MODULE_MISMATCH',
  'TDX_MODULE_TCB_NOT_SUPPORTED',
  'TCB_NOT_SUPPORTED',
  'TCB_REVOKED',
] as const

/** One of {@link CHECK_FAILURE_CODES}. */
export type CheckFailureCode = (typeof CHECK_FAILURE_CODES)[number]

/** What a rule expected and what it found. Thrown inside a check, and turned into its result; never leaves the package. */
export class CheckFailure extends Error {
  override readonly name = 'CheckFailure'
  readonly code: CheckFailureCode
  readonly expected: string
  readonly actual: string

  constructor(code: CheckFailureCode, expected: string, actual: string, options?: ErrorOptions) {
    super(`expected ${expected}, got ${actual}`, options)
    this.code = code
    this.expected = expected
    this.actual = actual
  }
}
