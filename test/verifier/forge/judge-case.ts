import {
  parseCollateral,
  QuoteVerifier,
  simulatedTrustAnchor,
  VerifierError,
  type QuoteReport,
  type TcbEvaluation,
} from '@jeju/verifier'
import type { ExpectedTcb, Expectation, Objections } from './forge-case.ts'

/** Everything a verification is handed. */
export interface CaseInputs {
  readonly quote: Uint8Array
  readonly bundle: unknown
  readonly rootCertificateDer: Uint8Array
  readonly at: Date
}

/** What a verification comes to, in the terms of an expectation. Errors without a code are let through. */
export async function judgeCase({
  rootCertificateDer,
  ...inputs
}: CaseInputs): Promise<Expectation> {
  return judgeWith(verifierOf(rootCertificateDer), inputs)
}

/** A verifier that trusts this root. */
export function verifierOf(rootCertificateDer: Uint8Array): QuoteVerifier {
  return new QuoteVerifier(simulatedTrustAnchor('forged', rootCertificateDer))
}

/** The same, by a verifier that may have seen other cases. */
export async function judgeWith(
  verifier: QuoteVerifier,
  { quote, bundle, at }: Omit<CaseInputs, 'rootCertificateDer'>,
): Promise<Expectation> {
  try {
    return expectationOf(await verifier.verify(quote, parseCollateral(bundle), at))
  } catch (error) {
    if (error instanceof VerifierError) return { verdict: 'thrown', code: error.code }
    throw error
  }
}

function expectationOf({ checks, genuine }: QuoteReport): Expectation {
  if (genuine === undefined) {
    const objections: Objections = {}
    for (const check of checks) {
      if (check.status !== 'failed') continue
      if (check.code === undefined) throw new Error(`${check.name} failed without a code`)
      objections[check.name] = check.code
    }
    return { verdict: 'refused', objections }
  }
  const { tcb } = genuine
  return {
    verdict: 'accepted',
    ...evaluationOf(tcb),
    tcbEvaluationDataNumber: tcb.tcbEvaluationDataNumber,
    ...(tcb.current && { current: evaluationOf(tcb.current) }),
  }
}

function evaluationOf({ status, advisoryIds, tcbDate }: TcbEvaluation): ExpectedTcb {
  const date = new Date(tcbDate).toISOString().replace('.000Z', 'Z')
  return { status, advisoryIDs: advisoryIds, tcbDate: date }
}
