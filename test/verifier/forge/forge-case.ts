import type { Bundle, Forge, Forgery } from '@jeju/simulator/forge'
import type { CheckFailureCode, QuoteCheckName, TcbStatus, VerifierErrorCode } from '@jeju/verifier'

/** One evaluation; times in ISO 8601, advisories sorted. */
export interface ExpectedTcb {
  readonly status: TcbStatus
  readonly advisoryIDs: readonly string[]
  readonly tcbDate: string
}

/** Checks that object, with their codes. */
export type Objections = Partial<Record<QuoteCheckName, CheckFailureCode>>

/** What a verification must give, and nothing else. */
export type Expectation =
  | (ExpectedTcb & {
      readonly verdict: 'accepted'
      readonly tcbEvaluationDataNumber: number
      /** TDX 1.5 and later. */
      readonly current?: ExpectedTcb
    })
  | { readonly verdict: 'refused'; readonly objections: Objections }
  | { readonly verdict: 'thrown'; readonly code: VerifierErrorCode }

/** A forgery, and what it must come to. */
export interface ForgeCase extends Inputs {
  readonly id: string
  readonly why: string
  readonly forgery: Forgery
  readonly expect: Expectation
}

/** Whatever is not part of the forgery. */
export interface Inputs {
  /** Time of verification; Unix milliseconds where it is to be none. */
  readonly at?: Date | number
  /** Under the root of the unchanged PKI, not under the forged one. */
  readonly anchor?: 'usual'
  /** What the verifier is handed instead of the bundle. */
  readonly bundle?: (bundle: Bundle, forge: Forge) => unknown
}

/** All cases of an area. */
export interface CaseArea {
  readonly area: string
  readonly cases: readonly ForgeCase[]
}

/** The moment every case plays at, unless it says otherwise. */
export const FORGE_TIME: Date = new Date('2026-06-15T12:00:00Z')
/** Seed of all keys; whoever reads it has them. */
export const FORGE_SEED = 'jeju-compute test vectors 1'

/** So many seconds before (negative) or after the moment of the cases. */
export function seconds(after: number): Date {
  return new Date(FORGE_TIME.getTime() + after * 1000)
}

/** So many days before or after it. */
export function days(after: number): Date {
  return seconds(after * 24 * 3600)
}

/** What an unchanged quote comes to. */
export const UP_TO_DATE: ExpectedTcb = {
  status: 'UpToDate',
  advisoryIDs: [],
  tcbDate: '2025-05-14T00:00:00Z',
}
/** What comes of the second level of the platform. */
export const OLD_PLATFORM: ExpectedTcb = {
  status: 'OutOfDate',
  advisoryIDs: ['SIM-SA-00001', 'SIM-SA-00002'],
  tcbDate: '2024-03-13T00:00:00Z',
}
/** What comes of the second level of the TDX module. */
export const OLD_MODULE: ExpectedTcb = {
  status: 'OutOfDate',
  advisoryIDs: ['SIM-SA-00003'],
  tcbDate: '2024-03-13T00:00:00Z',
}
/** What comes of the second level of the quoting enclave. */
export const OLD_QE: ExpectedTcb = {
  status: 'OutOfDate',
  advisoryIDs: ['SIM-SA-00004'],
  tcbDate: '2024-03-13T00:00:00Z',
}

interface Accepted extends Partial<ExpectedTcb> {
  readonly tcbEvaluationDataNumber?: number
  readonly current?: ExpectedTcb
}

/** A case that must be accepted: up to date, unless it says otherwise. */
export function accepted(
  id: string,
  why: string,
  forgery: Forgery,
  tcb: Accepted = {},
  inputs: Inputs = {},
): ForgeCase {
  const expect = {
    verdict: 'accepted',
    ...UP_TO_DATE,
    tcbEvaluationDataNumber: 19,
    ...tcb,
  } as const
  return { id, why, forgery, expect, ...inputs }
}

/** A case that exactly these checks must object to; all others pass or cannot be made. */
export function refused(
  id: string,
  why: string,
  forgery: Forgery,
  objections: Objections,
  inputs: Inputs = {},
): ForgeCase {
  return { id, why, forgery, expect: { verdict: 'refused', objections }, ...inputs }
}

/** A case that nobody can judge: an error with that code. */
export function thrown(
  id: string,
  why: string,
  forgery: Forgery,
  code: VerifierErrorCode,
  inputs: Inputs = {},
): ForgeCase {
  return { id, why, forgery, expect: { verdict: 'thrown', code }, ...inputs }
}
