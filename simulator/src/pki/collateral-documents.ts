import { toBareHex, type JsonValue } from '@jeju/verifier/protocol'
import type { Validity } from './certificate-authority.ts'
import type { SgxPlatform } from './sgx-extension.ts'

/**
 * The documents Intel signs, as a simulated Intel writes them about a simulated platform: members in Intel's order, which
 * is the only one that the contracts read.
 */

/** TEE_TCB_SVN of every simulated TD: module TDX_01 at ISVSVN 5. */
export const TEE_TCB_SVN: Uint8Array<ArrayBuffer> = Uint8Array.of(
  5,
  1,
  3,
  ...Array.from({ length: 13 }, () => 0),
)
/** The simulated quoting enclave; its signer is nobody's real one. */
export const QE_MR_SIGNER: Uint8Array<ArrayBuffer> = new Uint8Array(32).fill(0x44)
export const QE_ISV_PROD_ID = 2
export const QE_ISV_SVN = 4

/** Evaluation data number of what is published unless another is asked for. */
export const EVALUATION_NUMBER = 19
const TCB_DATE = '2025-05-14T00:00:00Z'

/** What documents of one issue say. */
export interface Vintage {
  /** 19 unless given. */
  readonly tcbEvaluationDataNumber?: number
  /** Status of the platform's level; `UpToDate` unless given. */
  readonly tcbStatus?: 'UpToDate' | 'SWHardeningNeeded' | 'OutOfDate' | 'Revoked'
}

const RECOVERY_EVENT = Date.parse('2025-05-13T00:00:00Z')
const DAY_MS = 24 * 3600 * 1000
const EVALUATION_INTERVAL_MS = 182 * DAY_MS
/** How many numbers are listed, at most. */
const LISTED_NUMBERS = 3

function seconds(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`
}

function dates({ from, until }: Validity): { issueDate: string; nextUpdate: string } {
  return { issueDate: seconds(from), nextUpdate: seconds(until) }
}

/** TCB info version 3 for TDX (Intel PCS API v4) with one level that the platform reaches. */
export function tcbInfoText(platform: SgxPlatform, validity: Validity, vintage: Vintage): string {
  const { tcbEvaluationDataNumber = EVALUATION_NUMBER, tcbStatus = 'UpToDate' } = vintage
  const components = (bytes: Uint8Array): JsonValue => Array.from(bytes, (svn) => ({ svn }))
  const zeros = '0'.repeat(96)
  return JSON.stringify({
    id: 'TDX',
    version: 3,
    ...dates(validity),
    fmspc: toBareHex(platform.fmspc),
    pceId: toBareHex(platform.pceId),
    tcbType: 0,
    tcbEvaluationDataNumber,
    tdxModule: { mrsigner: zeros, attributes: '0'.repeat(16), attributesMask: 'f'.repeat(16) },
    tdxModuleIdentities: [
      {
        id: 'TDX_01',
        mrsigner: zeros,
        attributes: '0'.repeat(16),
        attributesMask: 'f'.repeat(16),
        tcbLevels: [
          { tcb: { isvsvn: TEE_TCB_SVN[0] ?? 0 }, tcbDate: TCB_DATE, tcbStatus: 'UpToDate' },
        ],
      },
    ],
    tcbLevels: [
      {
        tcb: {
          sgxtcbcomponents: components(platform.components),
          pcesvn: platform.pceSvn,
          tdxtcbcomponents: components(TEE_TCB_SVN),
        },
        tcbDate: TCB_DATE,
        tcbStatus,
      },
    ],
  })
}

/** TD QE identity version 2 (Intel PCS API v4) of the simulated quoting enclave. */
export function qeIdentityText(validity: Validity, vintage: Vintage): string {
  return JSON.stringify({
    id: 'TD_QE',
    version: 2,
    ...dates(validity),
    tcbEvaluationDataNumber: vintage.tcbEvaluationDataNumber ?? EVALUATION_NUMBER,
    miscselect: '00000000',
    miscselectMask: 'FFFFFFFF',
    attributes: '11000000000000000000000000000000',
    attributesMask: 'FBFFFFFFFFFFFFFF0000000000000000',
    mrsigner: toBareHex(QE_MR_SIGNER).toUpperCase(),
    isvprodid: QE_ISV_PROD_ID,
    tcbLevels: [{ tcb: { isvsvn: QE_ISV_SVN }, tcbDate: TCB_DATE, tcbStatus: 'UpToDate' }],
  })
}

/** TCB evaluation data numbers version 1 (Intel PCS API v4): the number of that issue and two before it, half a year apart. */
export function evaluationNumbersText(validity: Validity, vintage: Vintage): string {
  const newest = vintage.tcbEvaluationDataNumber ?? EVALUATION_NUMBER
  const entry = (tcbEvaluationDataNumber: number): JsonValue => {
    const behind = tcbEvaluationDataNumber - EVALUATION_NUMBER
    const event = RECOVERY_EVENT + behind * EVALUATION_INTERVAL_MS
    return {
      tcbEvaluationDataNumber,
      tcbRecoveryEventDate: seconds(new Date(event)),
      tcbDate: seconds(new Date(event + DAY_MS)),
    }
  }
  return JSON.stringify({
    id: 'TDX',
    version: 1,
    ...dates(validity),
    tcbEvalNumbers: Array.from({ length: Math.min(newest, LISTED_NUMBERS) }, (_, index) =>
      entry(newest - index),
    ),
  })
}
