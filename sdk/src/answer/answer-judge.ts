import { verifyReceipt, type ReceiptExpectation, type ReceivedAnswer } from '@jeju/verifier'
import type { ComputeReceipt } from '@jeju/verifier/protocol'
import type { OnSdkEvent } from '../events/sdk-event.ts'
import { failuresOf, NotVerified } from '../errors/not-verified.ts'
import type { Reservation } from '../payment/channel-book.ts'

/** What is known of a request when its answer arrives. */
export interface AnswerContext {
  readonly agentId: bigint
  readonly reservation: Reservation
  readonly expectation: Omit<ReceiptExpectation, 'at'>
  /** The caller's: an answer that he ended himself is not judged. */
  readonly signal: AbortSignal
  readonly now: () => Date
  readonly onEvent: OnSdkEvent
  /** The answer did not verify: whatever was believed of its provider ends. */
  onRefused(): void
  /** Keeps what verified. Never rejects: an answer that holds is delivered, kept or not. */
  keep(verified: VerifiedAnswer): Promise<void>
}

/** An answer that passed every check, and when. */
export interface VerifiedAnswer {
  readonly answer: ReceivedAnswer
  readonly receipt: ComputeReceipt
  readonly at: Date
}

/** Judges one complete answer. Throws {@link NotVerified}; returns only when every check passed. */
export function judgeAnswer(answer: ReceivedAnswer, context: AnswerContext): VerifiedAnswer {
  const { agentId, reservation, expectation, onEvent } = context
  const { channelId } = expectation.signed.auth
  const at = context.now()
  const report = verifyReceipt(answer, { ...expectation, at })
  const { checks, verdict } = report
  if (verdict.outcome !== 'verified') {
    context.onRefused()
    onEvent({ type: 'receipt-refused', agentId, channelId, report })
    throw new NotVerified('answer', [{ agentId, checks, reasons: failuresOf(checks) }])
  }
  const { fee, receipt } = verdict
  reservation.charged(fee)
  onEvent({ type: 'receipt-verified', agentId, channelId, fee, receipt, report })
  return { answer, receipt, at }
}
