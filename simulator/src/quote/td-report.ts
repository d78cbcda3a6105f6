import { concatBytes } from '@jeju/verifier/protocol'
import { TEE_TCB_SVN } from '../pki/collateral-documents.ts'

/** What varies between the TD reports of simulated TDs; registers are 48 bytes. */
export interface TdReportFields {
  /** 8 bytes. */
  readonly tdAttributes: Uint8Array
  readonly mrTd: Uint8Array
  readonly mrConfigId: Uint8Array
  readonly rtmrs: readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
  /** 64 bytes. */
  readonly reportData: Uint8Array
}

/** SEPT_VE_DISABLE, as every dstack TD. */
export const TD_ATTRIBUTES: Uint8Array<ArrayBuffer> = Uint8Array.of(0, 0, 0, 0x10, 0, 0, 0, 0)
const XFAM = Uint8Array.of(0xe7, 0x02, 0x06, 0, 0, 0, 0, 0)
const MR_SEAM = new Uint8Array(48).fill(0x5e)
const ZERO_48 = new Uint8Array(48)

/** TD report body of TDX 1.0, 584 bytes (Intel TDX DCAP Quoting Library API, A.3.2). */
export function encodeTdReport(fields: TdReportFields): Uint8Array<ArrayBuffer> {
  return concatBytes(
    TEE_TCB_SVN,
    MR_SEAM,
    ZERO_48, // MRSIGNERSEAM
    new Uint8Array(8), // SEAMATTRIBUTES
    fields.tdAttributes,
    XFAM,
    fields.mrTd,
    fields.mrConfigId,
    ZERO_48, // MROWNER
    ZERO_48, // MROWNERCONFIG
    ...fields.rtmrs,
    fields.reportData,
  )
}
