import { DcapError } from './dcap-error.ts'

/** Which collateral is asked for; both facts stand in the PCK certificate. */
export interface CollateralRequest {
  /** 12 hex digits. */
  readonly fmspc: string
  readonly ca: 'platform' | 'processor'
}

/** What Intel publishes for a family of platforms, as bytes that were signed; the verifier's `QuoteCollateral` is one. */
export interface OfferedCollateral {
  /** PEM: PCK CA, root. */
  readonly pckCrlIssuerChain: string
  readonly rootCaCrl: Uint8Array
  readonly pckCrl: Uint8Array
  /** PEM: TCB signing, root. */
  readonly tcbInfoIssuerChain: string
  readonly tcbInfo: string
  readonly tcbInfoSignature: Uint8Array
  readonly qeIdentity: string
  readonly qeIdentitySignature: Uint8Array
}

/** Intel's list of evaluation data numbers. */
export interface OfferedNumbers {
  readonly evaluationNumbers: string
  readonly evaluationNumbersSignature: Uint8Array
  readonly evaluationNumbersIssuerChain: string
}

/** Where collateral comes from: `createCollateralClient` of `@jeju/verifier/collateral`, a file, a cache. */
export interface CollateralOffer {
  collateralFor(
    request: CollateralRequest,
    update: { readonly tcbEvaluationDataNumber: number },
  ): Promise<OfferedCollateral>
  evaluationNumbers(): Promise<OfferedNumbers>
}

/** Evaluation number and issue date, Unix seconds, of a signed document. @throws DcapError `COLLATERAL_INVALID` */
export function headOf(text: string, name: string): { number: number; issueDate: bigint } {
  const document = membersOf(text, name)
  return {
    number: numberOf(document['tcbEvaluationDataNumber'], name),
    issueDate: dateOf(document['issueDate'], name),
  }
}

/** nextUpdate of a list of numbers, Unix seconds. @throws DcapError `COLLATERAL_INVALID` */
export function listEndOf(text: string): bigint {
  return dateOf(membersOf(text, LIST)['nextUpdate'], LIST)
}

const LIST = 'evaluation numbers'

/**
 * The number that the chain takes for standard at that time: the highest whose recovery event is a year old
 * (EvaluationNumbersReader.sol).
 * @throws DcapError `COLLATERAL_INVALID`
 */
export function standardNumberOf(text: string, time: bigint): number {
  const entries = membersOf(text, LIST)['tcbEvalNumbers']
  if (!Array.isArray(entries)) throw invalid(LIST, 'a list')
  const old = (entries as readonly unknown[]).flatMap((entry) => {
    const { tcbEvaluationDataNumber, tcbRecoveryEventDate } = { ...(entry as object) } as {
      readonly [member: string]: unknown
    }
    const event = new Date(Number(dateOf(tcbRecoveryEventDate, LIST)) * 1000)
    event.setUTCFullYear(event.getUTCFullYear() + 1)
    const isOld = BigInt(event.getTime() / 1000) <= time
    return isOld ? [numberOf(tcbEvaluationDataNumber, LIST)] : []
  })
  if (old.length === 0) throw invalid(LIST, 'a recovery event that is a year old')
  return Math.max(...old)
}

function membersOf(text: string, name: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return { ...value }
  } catch {
    // Said below.
  }
  throw invalid(name, 'a JSON object')
}

function numberOf(value: unknown, name: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 0x10000) {
    return value
  }
  throw invalid(name, 'an evaluation data number')
}

function dateOf(value: unknown, name: string): bigint {
  const text = typeof value === 'string' ? value : ''
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(time)) throw invalid(name, 'a date')
  return BigInt(time / 1000)
}

function invalid(name: string, expected: string): DcapError {
  return new DcapError('COLLATERAL_INVALID', `${name}: expected ${expected}`)
}
