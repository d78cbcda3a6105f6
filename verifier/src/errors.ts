import { PROTOCOL_ERROR_CODES, type ProtocolErrorCode } from './protocol/protocol-error.ts'

/** Codes of input the verifier cannot judge, and of wrong use by the caller. */
export const VERIFIER_ERROR_CODES = [
  'INPUT_LAYOUT', // a parser read a field at another place than its layout says
  'INPUT_TRUNCATED', // the input ends inside a field
  'INPUT_TRAILING', // bytes behind the last field
  'QUOTE_TOO_LARGE', // beyond a limit of the parser
  'QUOTE_VERSION_UNSUPPORTED', // not version 4 or 5
  'QUOTE_KEY_TYPE_UNSUPPORTED', // not ECDSA P-256
  'QUOTE_TEE_TYPE_UNSUPPORTED', // not TDX
  'QUOTE_BODY_UNSUPPORTED', // version 5: not a TD report of TDX 1.0 or 1.5
  'QUOTE_VENDOR_UNKNOWN', // not by the quoting enclave of Intel
  'QUOTE_LENGTH_MISMATCH', // certification data does not fill what holds it
  'QUOTE_CERT_DATA_UNSUPPORTED', // not a PCK chain in PEM inside a QE report certification
  'PCK_CHAIN_UNREADABLE', // no FMSPC to ask collateral for
  'COLLATERAL_INVALID', // not a collateral bundle of the documented form
  'EVENT_LOG_INVALID', // not an event log of the documented form
  'ATTESTATION_INVALID', // not a dstack attestation bundle of the documented form
  'ATTESTATION_UNSUPPORTED', // a bundle of another version or platform
  'ATTESTATION_TOO_LARGE', // a bundle beyond the limit of the parser
  'FIRMWARE_INVALID', // not a TDVF firmware file
  'KERNEL_INVALID', // not a PE image with a Linux setup header
  'MEASUREMENT_INVALID', // not a measurement document of dstack
  'IMAGE_INVALID', // files of an image are not those its list names
  'VM_CONFIG_INVALID', // not a vm_config of dstack
  'VM_UNSUPPORTED', // a machine whose registers cannot be computed
  'COMPOSE_INVALID', // not an app-compose file, or its compose text outside the subset of YAML that is read
  'GPU_EVIDENCE_INVALID', // not a container of GPU evidence of the documented form
  'GPU_REPORT_INVALID', // not an SPDM 1.1 measurement report
  'RIM_INVALID', // not a RIM of the profile that is read
  'OCSP_INVALID', // not an OCSP answer of the profile that is read
  'POLICY_INVALID', // the caller's policy
  'TRUST_ANCHOR_INVALID', // the caller's trust anchor
  'TIME_INVALID', // the caller's time
] as const

/** Every code this package throws. */
export type VerifierErrorCode = (typeof VERIFIER_ERROR_CODES)[number]

/** All codes of the package, for documentation. */
export const ERROR_CODES: readonly (VerifierErrorCode | ProtocolErrorCode)[] = [
  ...PROTOCOL_ERROR_CODES,
  ...VERIFIER_ERROR_CODES,
]

/** Input that nobody can judge. The message says place, expected, actual. */
export class VerifierError extends Error {
  override readonly name = 'VerifierError'
  readonly code: VerifierErrorCode

  constructor(code: VerifierErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
