import { isDeepStrictEqual } from 'node:util'
import {
  verifyReceiptInParallel,
  type Ed25519Elsewhere,
  type ReceiptReport,
  type ReceiptSignatures,
  type ReceivedAnswer,
} from '@jeju/verifier'
import {
  authDigest,
  parseComputeReceipt,
  ProtocolError,
  receiptDigest,
  type ComputeReceipt,
  type ContractDomain,
  type Hex,
  type PromptPath,
} from '@jeju/verifier/protocol'
import { MAX_DISTRUST_MS } from '../admission/distrusted.ts'
import type { Leases } from '../admission/leases.ts'
import { BoundedMap } from '../bounded-map.ts'
import type { LedgerEntry, ReceiptLedger } from '../ledger/receipt-ledger.ts'
import type { Logger } from '../logging.ts'
import type { AnswerRecord, AnswerRecords } from '../receipts/answer-records.ts'
import type { GatewayStore } from '../store/gateway-store.ts'
import type { Attempt } from './funding.ts'

/** The request of an answer. */
export interface JudgedRequest {
  readonly path: PromptPath
  /** Names the request in its answer. */
  readonly requestId: string
  readonly requestBytes: number
}

/** Judges whole answers by their receipts, and remembers what was wrong with them. */
export interface AnswerJudge {
  /** Whether every check passed. A wrong answer ends the lease and is kept with its evidence. */
  isVerified(answer: ReceivedAnswer, attempt: Attempt, request: JudgedRequest): Promise<boolean>
}

/** Collaborators of {@link createAnswerJudge}. */
export interface JudgeParts {
  readonly leases: Pick<Leases, 'distrust'>
  readonly findings: GatewayStore['findings']
  readonly ledger: Pick<ReceiptLedger, 'add'>
  /** What the gateway's own receipts are made from; undefined: it gives none. */
  readonly records: Pick<AnswerRecords, 'add'> | undefined
  readonly signatures: ReceiptSignatures
  readonly verifyEd25519: Ed25519Elsewhere
  readonly serving: ContractDomain
  readonly logger: Logger
  readonly now: () => Date
  readonly onVerdict: (outcome: 'verified' | 'refused') => void
}

/** A binding that signed something wrong is not believed for a day; one that signed nothing, not for ten minutes. */
const WRONG_MS = MAX_DISTRUST_MS
const ABSENT_MS = 10 * 60_000
/** Answers of which the receipt is remembered, to see another one for the same authorisation; some 20 MB. */
const MAX_ANSWERED = 20_000
/** Two receipts for one authorisation, which a contract can check (docs/protocol.md §9, E1). */
const TWICE = {
  name: 'receipt-once',
  status: 'failed',
  expected: 'one receipt for an authorisation',
  actual: 'another than before',
} as const

/** A judge that makes every check of docs/protocol.md §6 over the bytes that passed. */
export function createAnswerJudge(parts: JudgeParts): AnswerJudge {
  const { signatures, verifyEd25519, serving, now, onVerdict } = parts
  const answered = new BoundedMap<Hex, ComputeReceipt>(MAX_ANSWERED)
  /** A receipt of the ledger, which this process need not have verified, if that signer signed it. */
  const readOwn = (text: string, signer: Hex): ComputeReceipt | undefined => {
    try {
      const kept = parseComputeReceipt(text, 'ledger')
      const digest = receiptDigest(kept.receipt, serving, signatures.keccak256)
      return signatures.recoverAddress(digest, kept.receiptSignature) === signer ? kept : undefined
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      return undefined
    }
  }
  return {
    isVerified: async (answer, attempt, request) => {
      const { requestBytes } = request
      const { lease, model, modelId, price, offer } = attempt
      const { signed } = offer
      const at = now()
      const expectation = {
        signed,
        serving,
        binding: lease.binding,
        model: model.id,
        modelId,
        price,
        requestBytes,
        at,
        signatures,
      }
      const report = await verifyReceiptInParallel(answer, expectation, verifyEd25519)
      const { verdict } = report
      const authHash = authDigest(signed.auth, serving, signatures.keccak256)
      const earlier = answered.get(authHash)
      const isTwice =
        earlier !== undefined && verdict.outcome === 'verified' && !isSame(earlier, verdict.receipt)
      onVerdict(isTwice ? 'refused' : verdict.outcome)
      if (verdict.outcome === 'verified' && !isTwice) {
        answered.set(authHash, verdict.receipt)
        attempt.reserved?.charged(verdict.fee)
        parts.ledger.add(entryOf(verdict, answer, attempt, at), (text) => {
          const kept = readOwn(text, lease.binding.signer)
          if (kept === undefined || isSame(kept, verdict.receipt)) return
          remember([TWICE], { answer, earlier: kept, attempt, requestBytes, at }, parts)
        })
        parts.records?.add(recordOf(verdict, attempt, request, at))
        return true
      }
      const checks = isTwice ? [TWICE] : report.checks
      remember(checks, { answer, earlier, attempt, requestBytes, at }, parts)
      return false
    },
  }
}

/** Of one digest: what the chain would take for two is two here. */
function isSame(a: ComputeReceipt, b: ComputeReceipt): boolean {
  return isDeepStrictEqual(a.receipt, b.receipt)
}

function entryOf(
  { receipt, fee }: Extract<ReceiptReport['verdict'], { outcome: 'verified' }>,
  { receipt: received }: ReceivedAnswer,
  { lease, wallet, offer, modelId, price }: Attempt,
  at: Date,
): LedgerEntry {
  const { authHash, inputTokens, outputTokens } = receipt.receipt
  return {
    at: at.getTime(),
    authHash,
    agentId: lease.agentId,
    bindingId: lease.bindingId,
    wallet,
    channelId: offer.signed.auth.channelId,
    modelId,
    priceVersion: price.version,
    inputTokens,
    outputTokens,
    fee,
    receipt: 'text' in received ? received.text : '',
  }
}

function recordOf(
  { receipt, fee }: Extract<ReceiptReport['verdict'], { outcome: 'verified' }>,
  { lease, model, modelId, price }: Attempt,
  { requestId, path }: JudgedRequest,
  at: Date,
): AnswerRecord {
  return {
    requestId,
    path,
    at: at.getTime(),
    agentId: lease.agentId,
    bindingId: lease.bindingId,
    // Its parts, and not the lease: that holds the evidence.
    sessionId: lease.session.id,
    evidenceDigest: lease.verdict.claims.evidenceDigest,
    model: model.id,
    modelId,
    priceVersion: price.version,
    fee,
    receipt: receipt.receipt,
  }
}

interface WrongAnswer {
  readonly answer: ReceivedAnswer
  /** What was verified for the same authorisation before. */
  readonly earlier: ComputeReceipt | undefined
  readonly attempt: Attempt
  readonly requestBytes: number
  readonly at: Date
}

function remember(
  checks: readonly (ReceiptReport['checks'][number] | typeof TWICE)[],
  { answer, earlier, attempt, requestBytes, at }: WrongAnswer,
  { leases, findings, logger }: JudgeParts,
): void {
  const failed = checks.filter(({ status }) => status === 'failed')
  const names = failed.map(({ name }) => name)
  const { agentId, bindingId } = attempt.lease
  logger.warn({ agentId: agentId.toString(), bindingId, checks: names }, 'answer not verified')
  // How long an authorisation holds is the caller's choice: nobody is switched off with a short one (attack F15).
  if (names.every((name) => name === 'receipt-time')) return
  const isAbsent = names.includes('receipt-present')
  leases.distrust(bindingId, new Date(at.getTime() + (isAbsent ? ABSENT_MS : WRONG_MS)))
  const { auth, signature } = attempt.offer.signed
  findings.add({
    at: at.getTime(),
    agentId,
    bindingId,
    // Without the salt, so that the hashes confirm no guess to who reads this (attack E11).
    evidence: JSON.stringify({
      auth: {
        ...auth,
        nonce: auth.nonce.toString(),
        maxFee: auth.maxFee.toString(),
        validUntil: auth.validUntil.toString(),
      },
      signature,
      receipt: answer.receipt,
      ...(earlier === undefined ? {} : { earlier: signedOf(earlier) }),
      responseHash: answer.responseHash,
      responseBytes: answer.responseBytes,
      requestBytes,
      checks: failed,
    }),
  })
}

/** The part of a receipt that the chain checks. */
function signedOf({ receipt, receiptSignature }: ComputeReceipt): object {
  const { issuedAt, ...others } = receipt
  return { receipt: { ...others, issuedAt: issuedAt.toString() }, signature: receiptSignature }
}
