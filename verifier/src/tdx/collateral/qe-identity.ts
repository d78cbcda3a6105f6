import { parseDocument } from './document.ts'
import {
  evaluationNumber,
  readSvnLevels,
  requireValue,
  requireVersion,
  type SvnLevel,
} from './levels.ts'

/** Identity version 2 of the TD quoting enclave (Intel PCS API v4). Hex is lowercase. */
export interface QeIdentity {
  /** Unix milliseconds. */
  readonly issueDate: number
  readonly nextUpdate: number
  readonly tcbEvaluationDataNumber: number
  /** 4 bytes, as written, which is how they stand in the report. */
  readonly miscSelect: string
  readonly miscSelectMask: string
  /** 16 bytes. */
  readonly attributes: string
  readonly attributesMask: string
  /** 32 bytes. */
  readonly mrSigner: string
  readonly isvProdId: number
  /** Sorted best first. */
  readonly tcbLevels: readonly SvnLevel[]
}

/** Reads the exact text that was signed. @throws CheckFailure */
export function parseQeIdentity(text: string): QeIdentity {
  const identity = parseDocument(text, 'enclaveIdentity')
  requireValue(identity.text('id'), 'TD_QE', 'enclaveIdentity.id')
  requireVersion(identity, 2, 'enclaveIdentity')
  return {
    issueDate: identity.time('issueDate'),
    nextUpdate: identity.time('nextUpdate'),
    tcbEvaluationDataNumber: evaluationNumber(identity),
    miscSelect: identity.hex('miscselect', 4),
    miscSelectMask: identity.hex('miscselectMask', 4),
    attributes: identity.hex('attributes', 16),
    attributesMask: identity.hex('attributesMask', 16),
    mrSigner: identity.hex('mrsigner', 32),
    isvProdId: identity.integer('isvprodid', 0xffff),
    tcbLevels: readSvnLevels(identity),
  }
}
