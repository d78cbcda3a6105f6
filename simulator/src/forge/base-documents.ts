import { toBareHex } from '@jeju/verifier/protocol'
import {
  EVALUATION_NUMBER,
  QE_ISV_PROD_ID,
  QE_ISV_SVN,
  QE_MR_SIGNER,
} from '../pki/collateral-documents.ts'
import {
  components,
  jsonTime,
  type ModuleJson,
  type QeIdentityJson,
  type TcbInfoJson,
} from './documents.ts'
import { USUAL_PLATFORM } from './pki.ts'

/** In force for 30 days from a day before, as Intel's. */
export interface InForce {
  readonly from: Date
  readonly until: Date
}

const GOOD = { tcbDate: '2025-05-14T00:00:00Z', tcbStatus: 'UpToDate' } as const
const OLD = { tcbDate: '2024-03-13T00:00:00Z', tcbStatus: 'OutOfDate' } as const
/** Signer of TDX modules; Intel's is all zeros too. */
const MODULE: ModuleJson = {
  mrsigner: '00'.repeat(48),
  attributes: '00'.repeat(8),
  attributesMask: 'FF'.repeat(8),
}

/** TCB info in which the usual platform is up to date, under a module that is. */
export function usualTcbInfo({ from, until }: InForce): TcbInfoJson {
  return {
    id: 'TDX',
    version: 3,
    issueDate: jsonTime(from),
    nextUpdate: jsonTime(until),
    fmspc: toBareHex(USUAL_PLATFORM.fmspc).toUpperCase(),
    pceId: toBareHex(USUAL_PLATFORM.pceId),
    tcbType: 0,
    tcbEvaluationDataNumber: EVALUATION_NUMBER,
    tdxModule: MODULE,
    tdxModuleIdentities: [
      {
        id: 'TDX_03',
        ...MODULE,
        tcbLevels: [{ tcb: { isvsvn: 3 }, ...GOOD }],
      },
      {
        id: 'TDX_01',
        ...MODULE,
        tcbLevels: [
          { tcb: { isvsvn: 5 }, ...GOOD },
          { tcb: { isvsvn: 3 }, ...OLD, advisoryIDs: ['SIM-SA-00003'] },
        ],
      },
    ],
    tcbLevels: [
      {
        tcb: {
          sgxtcbcomponents: components(...USUAL_PLATFORM.components),
          pcesvn: USUAL_PLATFORM.pceSvn,
          tdxtcbcomponents: components(5, 1, 3),
        },
        ...GOOD,
      },
      {
        tcb: {
          sgxtcbcomponents: components(...new Uint8Array(16).fill(2)),
          pcesvn: 11,
          tdxtcbcomponents: components(3, 0, 2),
        },
        ...OLD,
        advisoryIDs: ['SIM-SA-00001', 'SIM-SA-00002'],
      },
    ],
  }
}

/** Identity of the usual quoting enclave, which is up to date. */
export function usualQeIdentity({ from, until }: InForce): QeIdentityJson {
  return {
    id: 'TD_QE',
    version: 2,
    issueDate: jsonTime(from),
    nextUpdate: jsonTime(until),
    tcbEvaluationDataNumber: EVALUATION_NUMBER,
    miscselect: '00000000',
    miscselectMask: 'FFFFFFFF',
    attributes: '11000000000000000000000000000000',
    attributesMask: 'FBFFFFFFFFFFFFFF0000000000000000',
    mrsigner: toBareHex(QE_MR_SIGNER).toUpperCase(),
    isvprodid: QE_ISV_PROD_ID,
    tcbLevels: [
      { tcb: { isvsvn: QE_ISV_SVN }, ...GOOD },
      { tcb: { isvsvn: QE_ISV_SVN - 2 }, ...OLD, advisoryIDs: ['SIM-SA-00004'] },
    ],
  }
}
