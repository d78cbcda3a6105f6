import { CheckFailure } from '../../report/check-failure.ts'
import { isoTime } from '../../pki/issuance.ts'
import type { Certificates } from '../issuance.ts'
import type { P256Verifier } from '../../x509/p256.ts'
import type { TrustAnchor } from '../trust-anchor.ts'
import type { QeIdentity } from './qe-identity.ts'
import { assertCollateral, type QuoteCollateral } from './quote-collateral.ts'
import type { TcbInfo } from './tcb-info.ts'
import {
  requireNotRevoked,
  verifyQeIdentity,
  verifyRevocations,
  verifyTcbInfo,
  type CollateralContext,
  type Revocations,
  type SignedDocument,
} from './verify-collateral.ts'

/** A part of collateral that was verified, or what a rule objected to. */
export type Outcome<Value> =
  | { readonly value: Value; readonly failure?: undefined }
  | { readonly value?: undefined; readonly failure: CheckFailure }

/** When every part of some collateral was in force. Unix milliseconds. */
export interface Validity {
  /** The latest of the issue dates, and the earliest of them. */
  readonly latestIssueDate: number
  readonly earliestIssueDate: number
  readonly earliestExpirationDate: number
}

/** Each part of a bundle, judged under one anchor. Made by {@link judgeCollateral} alone. */
export interface JudgedCollateral {
  readonly anchor: TrustAnchor
  readonly revocations: Outcome<Revocations>
  readonly tcbInfo: Outcome<SignedDocument<TcbInfo>>
  readonly qeIdentity: Outcome<SignedDocument<QeIdentity>>
  /** Where every part holds. */
  readonly validity: Validity | undefined
}

const made = new WeakSet()

/** Whether it was made here: an object that only looks like it would be the caller's word. */
export function isJudged(
  collateral: QuoteCollateral | JudgedCollateral,
): collateral is JudgedCollateral {
  return made.has(collateral)
}

/** Judges the parts of a bundle once, so that many quotes can be held against it. */
export async function judgeCollateral(
  given: QuoteCollateral,
  anchor: TrustAnchor,
  at: number,
  keys: P256Verifier,
  certificates: Certificates,
): Promise<JudgedCollateral> {
  assertCollateral(given)
  // A copy: the caller may reuse the buffers while signatures are checked.
  const collateral = {
    ...given,
    rootCaCrl: given.rootCaCrl.slice(),
    pckCrl: given.pckCrl.slice(),
    tcbInfoSignature: given.tcbInfoSignature.slice(),
    qeIdentitySignature: given.qeIdentitySignature.slice(),
  }
  const context: CollateralContext = { anchor, at, keys, certificates }
  const [revocations, tcbInfo, qeIdentity] = await Promise.all([
    outcome(verifyRevocations(collateral, context)),
    outcome(verifyTcbInfo(collateral, context)),
    outcome(verifyQeIdentity(collateral, context)),
  ])
  const judged = Object.freeze({
    anchor,
    revocations,
    tcbInfo: withLiveSigner(tcbInfo, revocations),
    qeIdentity: withLiveSigner(qeIdentity, revocations),
    validity: validityOf(revocations, tcbInfo, qeIdentity),
  })
  made.add(judged)
  return judged
}

/**
 * Judged collateral at another time: what was in force may have ended, or not have begun.
 * @throws CheckFailure
 */
export function requireStillInForce(judged: JudgedCollateral, at: number): void {
  const { validity, revocations, tcbInfo, qeIdentity } = judged
  if (!validity || !revocations.value || !tcbInfo.value || !qeIdentity.value) return
  const { latestIssueDate, earliestExpirationDate } = validity
  const { rootCrl, pckCrl, pckCa } = revocations.value
  const certificates = [pckCa, tcbInfo.value.signer, qeIdentity.value.signer]
  const begin = Math.max(latestIssueDate, ...certificates.map(({ notBefore }) => notBefore))
  // The end belongs to the time of documents and certificates, and not to that of revocation lists.
  const crlsInForce = at < Math.min(rootCrl.nextUpdate, pckCrl.nextUpdate)
  if (at >= begin && at <= earliestExpirationDate && crlsInForce) return
  throw new CheckFailure(
    at < begin ? 'COLLATERAL_NOT_YET_VALID' : 'COLLATERAL_EXPIRED',
    `collateral in force at ${isoTime(at)}`,
    `${isoTime(begin)} to ${isoTime(earliestExpirationDate)}`,
  )
}

async function outcome<Value>(made: Promise<Value>): Promise<Outcome<Value>> {
  try {
    return { value: await made }
  } catch (error) {
    if (error instanceof CheckFailure) return { failure: error }
    throw error
  }
}

/** The signer is a leaf of the root, so the root's list speaks of it; without that list nothing is known of it. */
function withLiveSigner<Content>(
  document: Outcome<SignedDocument<Content>>,
  revocations: Outcome<Revocations>,
): Outcome<SignedDocument<Content>> {
  if (document.value === undefined || revocations.value === undefined) return document
  try {
    const { signer } = document.value
    requireNotRevoked(signer, revocations.value.rootCrl, 'COLLATERAL_SIGNER_REVOKED')
    return document
  } catch (error) {
    if (error instanceof CheckFailure) return { failure: error }
    throw error
  }
}

function validityOf(
  revocations: Outcome<Revocations>,
  tcbInfo: Outcome<SignedDocument<TcbInfo>>,
  qeIdentity: Outcome<SignedDocument<QeIdentity>>,
): Validity | undefined {
  if (!revocations.value || !tcbInfo.value || !qeIdentity.value) return undefined
  const { rootCrl, pckCrl, pckCa } = revocations.value
  const documents = [tcbInfo.value, qeIdentity.value]
  const issued = [
    rootCrl.thisUpdate,
    pckCrl.thisUpdate,
    ...documents.map(({ content }) => content.issueDate),
  ]
  const ends = [
    rootCrl.nextUpdate,
    pckCrl.nextUpdate,
    pckCa.notAfter,
    ...documents.flatMap(({ content, signer }) => [content.nextUpdate, signer.notAfter]),
  ]
  return {
    latestIssueDate: Math.max(...issued),
    earliestIssueDate: Math.min(...issued),
    earliestExpirationDate: Math.min(...ends),
  }
}
