import { VerifierError } from '../errors.ts'
import { objection, passed, type Check } from '../report/check.ts'
import { parseCertificate } from '../x509/certificate.ts'
import { P256Verifier } from '../x509/p256.ts'
import { parseEvaluationNumbers, type EvaluationNumbers } from './collateral/evaluation-numbers.ts'
import {
  requireNotRevoked,
  verifyDocument,
  type CollateralContext,
} from './collateral/verify-collateral.ts'
import { verifyCrl } from './collateral/verify-crl.ts'
import { Certificates } from './issuance.ts'
import { timeOf, type QuoteVerifierOptions } from './quote-verifier.ts'
import { assertTrustAnchor, type TrustAnchor } from './trust-anchor.ts'

/** Intel's list of evaluation data numbers as bytes that were signed, with the list of what the root has revoked. */
export interface SignedEvaluationNumbers {
  /** Exact text of the value of `tcbEvaluationDataNumbers`. */
  readonly evaluationNumbers: string
  /** r ‖ s. */
  readonly evaluationNumbersSignature: Uint8Array
  /** PEM: TCB signing, root. */
  readonly evaluationNumbersIssuerChain: string
  /** DER. */
  readonly rootCaCrl: Uint8Array
}

/** What was found of a list; `numbers` where the check passed. */
export interface EvaluationNumbersReport {
  readonly check: Check<'evaluation-numbers'>
  readonly numbers: EvaluationNumbers | undefined
}

/** What a list is held against. */
export interface EvaluationNumbersContext extends QuoteVerifierOptions {
  readonly at: Date
  readonly trustAnchor: TrustAnchor
}

/**
 * Whether Intel signed a list of evaluation data numbers for TDX that is in force, with a signer that is not revoked.
 * @throws VerifierError `COLLATERAL_INVALID`, `TRUST_ANCHOR_INVALID`, `TIME_INVALID`
 */
export async function verifyEvaluationNumbers(
  given: SignedEvaluationNumbers,
  { at, trustAnchor, signatures }: EvaluationNumbersContext,
): Promise<EvaluationNumbersReport> {
  const list = checkedList(given)
  assertTrustAnchor(trustAnchor)
  const keys = new P256Verifier(signatures)
  const certificates = new Certificates(keys)
  const context: CollateralContext = { anchor: trustAnchor, at: timeOf(at), keys, certificates }
  const name = 'evaluation-numbers'
  try {
    const numbers = await verifyList(list, context)
    const found = numbers.numbers.map((entry) => entry.tcbEvaluationDataNumber)
    const issued = new Date(numbers.issueDate).toISOString()
    return Object.freeze({ check: passed(name, { numbers: found, issued }), numbers })
  } catch (error) {
    return Object.freeze({ check: objection(name, error), numbers: undefined })
  }
}

/** @throws CheckFailure */
async function verifyList(
  list: SignedEvaluationNumbers,
  context: CollateralContext,
): Promise<EvaluationNumbers> {
  const parts = {
    text: list.evaluationNumbers,
    signature: list.evaluationNumbersSignature,
    issuerChain: list.evaluationNumbersIssuerChain,
  }
  const document = await verifyDocument(
    'tcbEvaluationDataNumbers',
    parts,
    parseEvaluationNumbers,
    context,
  )
  // The chain of the signer ends in these very bytes.
  const root = parseCertificate(context.anchor.certificate)
  const rootCrl = await verifyCrl(list.rootCaCrl, root, context.at, context.keys)
  requireNotRevoked(document.signer, rootCrl, 'COLLATERAL_SIGNER_REVOKED')
  return document.content
}

/** Each member read once, whatever a caller without types hands in. */
function checkedList(given: SignedEvaluationNumbers): SignedEvaluationNumbers {
  const list: { readonly [Member in keyof SignedEvaluationNumbers]?: unknown } = { ...given }
  const { evaluationNumbers, evaluationNumbersIssuerChain } = list
  const { evaluationNumbersSignature, rootCaCrl } = list
  if (typeof evaluationNumbers !== 'string') throw invalid('evaluationNumbers', 'a string')
  // A lone surrogate would be signed as something else than what it is compared with.
  if (!evaluationNumbers.isWellFormed()) throw invalid('evaluationNumbers', 'well-formed text')
  if (typeof evaluationNumbersIssuerChain !== 'string') {
    throw invalid('evaluationNumbersIssuerChain', 'a string')
  }
  if (!(evaluationNumbersSignature instanceof Uint8Array)) {
    throw invalid('evaluationNumbersSignature', 'bytes')
  }
  if (!(rootCaCrl instanceof Uint8Array)) throw invalid('rootCaCrl', 'bytes')
  return {
    evaluationNumbers,
    evaluationNumbersSignature,
    evaluationNumbersIssuerChain,
    rootCaCrl,
  }
}

function invalid(member: string, expected: string): VerifierError {
  return new VerifierError('COLLATERAL_INVALID', `collateral.${member}: expected ${expected}`)
}
