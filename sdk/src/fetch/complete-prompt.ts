import {
  addressOf,
  authDigest,
  encodeComputeReceipt,
  PROMPT_ENDPOINTS,
  type ContractDomain,
  type PromptPath,
  type SignedRequestAuth,
} from '@jeju/verifier/protocol'
import type { AnswerContext, VerifiedAnswer } from '../answer/answer-judge.ts'
import { readVerifiedJson } from '../answer/json-answer.ts'
import { verifiedStream } from '../answer/stream-answer.ts'
import type { OnSdkEvent } from '../events/sdk-event.ts'
import { NotVerified } from '../errors/not-verified.ts'
import { networkReason } from '../errors/network-reason.ts'
import { SdkError } from '../errors/sdk-error.ts'
import type { GatewayClient } from '../gateway/gateway-client.ts'
import { authorise, maxFeeOf } from '../payment/authorise.ts'
import type { ChannelBook, Reservation } from '../payment/channel-book.ts'
import type { ReceiptBook } from '../receipts/receipt-book.ts'
import type { ReceiptRecord } from '../receipts/receipt-record.ts'
import { openedRefusal } from '../sealing/opened-refusal.ts'
import { outgoing, type OutgoingRequest } from '../sealing/sealed-exchange.ts'
import type { VerifiedSession } from '../session/session-cache.ts'
import { asObjection, requirePrice } from '../session/preferred.ts'
import type { Misses, SessionFinder } from '../session/session-finder.ts'
import type { PromptRequest } from './prompt-request.ts'
import type { RoutedPrompt } from './routed-prompt.ts'
import { answerResponse, failedAnswer } from './answer-response.ts'
import { readRefusal, type GatewayRefusal } from './gateway-refusal.ts'

/** A prompt is sent to at most this many providers, each with an authorisation of its own. */
const MAX_SENDS = 3

/** What completing a prompt needs. */
export interface CompleterDependencies {
  readonly gateway: Pick<GatewayClient, 'send'>
  readonly sessions: SessionFinder
  readonly channels: ChannelBook
  readonly receipts: ReceiptBook
  readonly serving: ContractDomain
  /** Wei. */
  readonly maxFeePerRequest: bigint
  readonly holdStream: boolean
  readonly now: () => Date
  readonly onEvent: OnSdkEvent
}

/** One prompt on its way to one provider. */
interface Exchange {
  readonly session: VerifiedSession
  readonly request: PromptRequest
  readonly sent: OutgoingRequest
  readonly reservation: Reservation
  readonly signed: SignedRequestAuth
  readonly signal: AbortSignal
}

/** Completes prompts: verify, authorise, send, verify. */
export class PromptCompleter {
  readonly #with: CompleterDependencies

  constructor(dependencies: CompleterDependencies) {
    this.#with = dependencies
  }

  /**
   * Rejects only while nothing has been sent. From then on there is always a response, and what fails is its body;
   * an error status is the gateway's word and is marked not to be repeated.
   */
  async complete(prompt: RoutedPrompt, signal: AbortSignal): Promise<Response> {
    const misses: Misses = { refusals: [], unavailable: [], objections: [] }
    const refusals: GatewayRefusal[] = []
    try {
      for await (const session of this.#with.sessions.sessions(prompt, misses)) {
        const result = await this.#attempt(session, prompt, signal).catch(asObjection)
        if (result instanceof SdkError) {
          misses.objections.push(result)
          continue
        }
        if (result instanceof Response) return result
        refusals.push(result)
        if (!result.failover || refusals.length >= MAX_SENDS) break
      }
    } catch (error) {
      if (refusals.length === 0) throw error
    }
    const refusal = refusals.at(-1)
    if (refusal === undefined) throw nothingSent(prompt, misses)
    return refusal.toResponse()
  }

  async #attempt(
    session: VerifiedSession,
    prompt: RoutedPrompt,
    signal: AbortSignal,
  ): Promise<Response | GatewayRefusal> {
    const request = prompt.forModel(session.candidate.model)
    const { gateway, channels, sessions, maxFeePerRequest } = this.#with
    signal.throwIfAborted()
    const { bindingId } = session.claims
    const reservation = await channels.reserve({ ...session.candidate, bindingId }, (price) =>
      maxFeeOf(request, requirePrice(price, prompt.preferences), maxFeePerRequest),
    )
    const sent = await this.#seal(session, request, reservation)
    const signed = this.#authorise(session, { path: request.path, ...sent }, reservation, signal)
    const exchange = { session, request, sent, reservation, signed, signal }
    try {
      const response = await gateway.send(request.path, sent, signed, signal)
      if (response.ok) return await this.#answer(response, exchange)
      const refusal = await readRefusal(await openedRefusal(response, sent))
      // A key that is not the node's any more (EHBP, 422) is asked for again with everything else.
      if (refusal.status >= 500 || refusal.status === 422) sessions.end(session)
      if (refusal.isBehind) {
        channels.dispute(reservation.channel)
      } else {
        channels.doubt(reservation.channel)
        reservation.released()
      }
      return refusal
    } catch (error) {
      return failedAnswer(outcomeOf(error, signal), contentTypeOf(request))
    }
  }

  /** Before anything is signed: what cannot be sealed must cost nothing. */
  async #seal(
    session: VerifiedSession,
    request: PromptRequest,
    reservation: Reservation,
  ): Promise<OutgoingRequest> {
    try {
      return await outgoing(request.body, session.claims.keyset)
    } catch (cause) {
      reservation.released()
      this.#with.sessions.end(session)
      const { agentId } = session.candidate
      throw new SdkError('PROVIDER_UNAVAILABLE', `agent ${agentId}: its sealing key`, { cause })
    }
  }

  /** The last look before money and prompt leave: the caller may be gone, the session over (attack F2). */
  #authorise(
    session: VerifiedSession,
    { path, body, sealedBy }: OutgoingRequest & { readonly path: PromptPath },
    reservation: Reservation,
    signal: AbortSignal,
  ): SignedRequestAuth {
    const { serving, sessions, onEvent } = this.#with
    const now = this.#with.now()
    const { agentId } = session.candidate
    const { bindingId } = session.claims
    if (signal.aborted || session.expiresAt <= now.getTime()) {
      reservation.released()
      signal.throwIfAborted()
      sessions.end(session)
      throw new SdkError('PROVIDER_UNAVAILABLE', `agent ${agentId}: its verification is too old`)
    }
    const signed = authorise({ path, body, reservation, bindingId, serving, now })
    const { channelId, maxFee, validUntil } = signed.auth
    const authHash = authDigest(signed.auth, serving)
    const authorised = { agentId, channelId, bindingId, authHash, maxFee, validUntil }
    onEvent({ type: 'authorised', ...authorised, sealedBy: sealedBy ?? 'none' })
    return signed
  }

  async #answer(response: Response, exchange: Exchange): Promise<Response> {
    const { request, sent } = exchange
    const context = this.#context(exchange)
    // The server's own content type is not covered by the receipt, so it is not passed on.
    const headers = { 'content-type': contentTypeOf(request) }
    const kind = PROMPT_ENDPOINTS[request.path]
    if (!request.stream || kind === undefined) {
      return new Response(await readVerifiedJson(response, sent.answers, context), { headers })
    }
    const hold = this.#with.holdStream
    const stream = verifiedStream(response, sent.answers, context, { kind, hold })
    return answerResponse(stream, contentTypeOf(request))
  }

  async #keep(verified: VerifiedAnswer, exchange: Exchange): Promise<void> {
    const { receipts, serving, onEvent } = this.#with
    const { agentId } = exchange.session.candidate
    try {
      await receipts.keep(recordOf(verified, exchange, serving), exchange.session.proof)
    } catch (error) {
      const reason = error instanceof SdkError ? error.message : 'the store failed'
      onEvent({ type: 'receipt-not-kept', agentId, receipt: verified.receipt, reason })
    }
  }

  #context(exchange: Exchange): AnswerContext {
    const { session, request, reservation, signed, signal } = exchange
    const { serving, now, onEvent, sessions } = this.#with
    const { agentId, model, modelId } = session.candidate
    const { bindingId, statement, keyset } = session.claims
    const { signer, keysetDigest } = statement
    return {
      agentId,
      reservation,
      signal,
      now,
      onEvent,
      onRefused: () => sessions.end(session),
      keep: (verified) => this.#keep(verified, exchange),
      expectation: {
        signed,
        serving,
        binding: { bindingId, signer, keysetDigest, keyset },
        model,
        modelId,
        price: reservation.channel.price,
        requestBytes: request.body.length,
      },
    }
  }
}

/** What is kept of an answer that verified. */
function recordOf(
  { answer, receipt, at }: VerifiedAnswer,
  { session, request, reservation, signed }: Exchange,
  serving: ContractDomain,
): ReceiptRecord {
  const { bindingId, statement, keyset, evidenceDigest } = session.claims
  const { agentId, operator, model, modelId } = session.candidate
  return {
    at,
    agentId,
    operator,
    serving,
    signed: withoutVoucher(signed),
    sessionKey: addressOf(reservation.channel.sessionKey),
    requestBytes: request.body.length,
    receipt: encodeComputeReceipt(receipt),
    responseHash: answer.responseHash,
    responseBytes: answer.responseBytes,
    statedUsage: answer.statedUsage,
    binding: { bindingId, signer: statement.signer, keyset },
    model,
    modelId,
    price: reservation.channel.price,
    evidence: evidenceDigest,
  }
}

/** A receipt is shown to others, who could settle the voucher. */
function withoutVoucher({ auth, salt, signature }: SignedRequestAuth): SignedRequestAuth {
  return { auth, salt, signature }
}

function contentTypeOf({ stream }: PromptRequest): string {
  return stream ? 'text/event-stream' : 'application/json'
}

/** An exchange that broke after the authorisation was sent; an abort by the caller stays what it is. */
function outcomeOf(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason
  if (error instanceof SdkError) return error
  const reason = networkReason(error)
  return new SdkError(
    'OUTCOME_UNKNOWN',
    `answer: none (${reason}); the request may be charged up to its maximum`,
    { cause: error },
  )
}

function nothingSent(
  { models }: RoutedPrompt,
  { refusals, unavailable, objections }: Misses,
): SdkError {
  const [first, ...others] = refusals
  if (first !== undefined) return new NotVerified('provider', [first, ...others])
  if (unavailable.length > 0) {
    const text = `evidence: none from agents ${unavailable.join(', ')}`
    return new SdkError('PROVIDER_UNAVAILABLE', text)
  }
  const text = `model ${models.join(' or ')}: expected an active provider, found none`
  return objections[0] ?? new SdkError('NO_PROVIDER', text)
}
