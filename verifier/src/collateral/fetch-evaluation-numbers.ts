import type { SignedEvaluationNumbers } from '../tdx/verify-evaluation-numbers.ts'
import { fetchAnswer } from './fetch-answer.ts'
import type { AskedService } from './fetch-bundle.ts'
import { fetchCrl, fetchDocument, type AskUrl, type DocumentKind } from './fetch-part.ts'
import type { Fetched } from './kept-fetches.ts'
import { dateEvaluationNumbers } from './vintage.ts'

const EVALUATION_NUMBERS: DocumentKind = {
  member: 'tcbEvaluationDataNumbers',
  chainHeaders: ['TCB-Evaluation-Data-Numbers-Issuer-Chain'],
  date: dateEvaluationNumbers,
}

/** Fetches the list of evaluation data numbers, and the root's list that says of its signer. @throws CollateralFetchError */
export async function fetchEvaluationNumbers(
  { fetch, service }: AskedService,
  signal: AbortSignal,
): Promise<Fetched<SignedEvaluationNumbers>> {
  const ask: AskUrl = (url, maxBytes) => fetchAnswer(fetch, url, maxBytes, signal)
  const [rootCrl, numbers] = await Promise.all([
    fetchCrl(ask, service.rootCrlUrl, 'root CRL'),
    fetchDocument(ask, service.evaluationNumbersUrl, EVALUATION_NUMBERS),
  ])
  const value = Object.freeze({
    evaluationNumbers: numbers.text,
    evaluationNumbersSignature: numbers.signature,
    evaluationNumbersIssuerChain: numbers.chain,
    rootCaCrl: rootCrl.der,
  })
  return { value, parts: [rootCrl.dated, numbers.dated] }
}
