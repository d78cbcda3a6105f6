import { concatBytes } from '@jeju/verifier/protocol'
import { QE_ISV_PROD_ID, QE_ISV_SVN, QE_MR_SIGNER } from '../pki/collateral-documents.ts'
import { uint16 } from '../quote/little-endian.ts'

/** Every field of the quoting enclave's report, an SGX report body. */
export interface QeReportFields {
  readonly cpuSvn: Uint8Array
  readonly miscSelect: Uint8Array
  readonly reserved: Uint8Array
  readonly attributes: Uint8Array
  readonly mrEnclave: Uint8Array
  readonly mrSigner: Uint8Array
  readonly isvProdId: number
  readonly isvSvn: number
  /** REPORTDATA[32..64); the first half is the binding. */
  readonly reportDataTail: Uint8Array
}

/** Report of the quoting enclave that the usual identity describes. */
export const USUAL_QE_REPORT: QeReportFields = {
  cpuSvn: new Uint8Array(16),
  miscSelect: new Uint8Array(4),
  reserved: new Uint8Array(28),
  attributes: Uint8Array.of(0x11, ...new Uint8Array(15)), // INIT, PROVISION_KEY
  mrEnclave: new Uint8Array(32).fill(0x51),
  mrSigner: QE_MR_SIGNER,
  isvProdId: QE_ISV_PROD_ID,
  isvSvn: QE_ISV_SVN,
  reportDataTail: new Uint8Array(32),
}

/** Bytes of the report: 384. */
export function encodeQeReport(fields: QeReportFields, binding: Uint8Array): Uint8Array {
  return concatBytes(
    fields.cpuSvn,
    fields.miscSelect,
    fields.reserved,
    fields.attributes,
    fields.mrEnclave,
    new Uint8Array(32),
    fields.mrSigner,
    new Uint8Array(96),
    uint16(fields.isvProdId),
    uint16(fields.isvSvn),
    new Uint8Array(60),
    binding,
    fields.reportDataTail,
  )
}
