/**
 * Codes of failed checks of Intel's and NVIDIA's evidence and collateral. The prefix says what is wrong: the platform's
 * certificates (PCK), a revocation list (CRL), collateral to be fetched afresh, the quoting enclave (QE), the TDX
 * module, the level of the platform (TCB); a GPU or switch, its reference values (RIM), a certificate's status (OCSP),
 * or a token of NVIDIA's service (NRAS).
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
  'GPU_EVIDENCE_INVALID', // not a container of the documented form
  'GPU_MISSING', // the policy wants a GPU, or statement and evidence disagree
  'GPU_FORBIDDEN', // the policy wants none
  'GPU_REPORT_INVALID', // not an SPDM 1.1 measurement report
  'GPU_NONCE_MISMATCH',
  'GPU_NONCE_CANNED', // the nonce of published samples, or zeros
  'GPU_CHAIN_INVALID', // not four or five certificates in PEM
  'GPU_CHAIN_UNTRUSTED', // ends in another root
  'GPU_CERT_INVALID', // DER, name, key identifier, extension or constraint
  'GPU_CERT_EXPIRED',
  'GPU_CERT_NOT_YET_VALID',
  'GPU_CERT_SIGNATURE_INVALID', // a certificate is not signed by its issuer
  'GPU_REPORT_SIGNATURE_INVALID', // not signed by the device's leaf
  'GPU_FWID_MISMATCH', // leaf and report name other firmware
  'GPU_FWID_MISSING', // leaf or report name none
  'GPU_IDENTITY_MISMATCH', // another kind of device than stated, or another device's certificates
  'GPU_MEASUREMENT_MISMATCH',
  'GPU_MODE_REFUSED', // a mode that the policy does not take, or a debug flag
  'GPU_COUNT_MISMATCH',
  'GPU_DUPLICATE', // one device twice
  'GPU_SET_MIXED', // devices of several architectures, drivers, modes or nonces
  'GPU_DEVICES_MISMATCH', // not the devices of the statement
  'GPU_TOPOLOGY_INVALID', // GPUs and switches that do not name each other
  'GPU_NOT_HELD', // on chain they are not those of this binding
  'GPU_NOT_ALLOWED', // architecture, driver or RIM that the policy does not take
  'NVSWITCH_MISSING',
  'RIM_MISSING',
  'RIM_INVALID', // not a RIM of the profile
  'RIM_CHAIN_INVALID',
  'RIM_CHAIN_UNTRUSTED',
  'RIM_CERT_INVALID',
  'RIM_CERT_SIGNATURE_INVALID',
  'RIM_EXPIRED', // a certificate of the signer's chain has ended
  'RIM_NOT_YET_VALID',
  'RIM_SIGNATURE_INVALID', // digest or signature
  'RIM_MISMATCH', // of another product or version than its id says
  'RIM_INDEX_CONFLICT', // two RIMs claim one measurement
  'OCSP_MISSING',
  'OCSP_INVALID',
  'OCSP_SIGNATURE_INVALID', // not by a responder of the issuer
  'OCSP_STALE', // before thisUpdate or after nextUpdate
  'OCSP_NONCE_MISMATCH',
  'OCSP_REVOKED',
  'OCSP_ON_HOLD',
  'OCSP_UNKNOWN',
  'NRAS_MISSING', // no token, or no keys to verify one
  'NRAS_TOKEN_INVALID', // not a detached EAT bundle of the documented form
  'NRAS_SIGNATURE_INVALID', // no key of the set, another algorithm, or not signed by it
  'NRAS_ISSUER_INVALID',
  'NRAS_EXPIRED', // outside its dates
  'NRAS_NONCE_MISMATCH',
  'NRAS_SUBMODULE_MISMATCH', // digests, names or devices of the submodules
  'NRAS_RESULT_FAILED', // the service's verdict
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
