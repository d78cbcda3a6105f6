import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { MAX_REQUEST_BYTES, type PromptPath } from '@jeju/verifier/protocol'
import { ENCAPSULATED_KEY_HEADER, RESPONSE_NONCE_HEADER } from '@jeju/verifier/sealing'
import { REQUEST_ID_HEADER } from '../http/app.ts'
import { errorAnswer, GatewayError } from '../http/gateway-error.ts'
import { Leaving, type EndSignal } from '../http/leaving.ts'
import { readLimited } from '../http/read-limited.ts'
import type { ReceiptLedger } from '../ledger/receipt-ledger.ts'
import type { Logger } from '../logging.ts'
import type { WalletLimits } from '../payment/enter-wallet.ts'
import { preferencesOfBody, readPreferences, ROUTING_HEADER } from '../routing/preferences.ts'
import type { AnswerJudge } from './answer-judge.ts'
import { fundingOf, type Dues, type FundingSource, type Plan } from './funding.ts'
import type { Passed, PassParts } from './outgoing-answer.ts'
import { passAnswer } from './pass-answer.ts'
import { sendFirst, type IncomingPrompt, type SendParts, type SentPrompt } from './send-first.ts'

/** Takes prompts, and passes answers back. */
export interface Exchange {
  serve(request: IncomingMessage, response: ServerResponse, path: PromptPath): Promise<void>
  /** Requests under way. */
  readonly underWay: number
  /** Takes no more prompts. */
  readonly drain: () => void
  readonly isDraining: boolean
}

/** Collaborators of {@link createExchange}. */
export interface ExchangeParts extends SendParts {
  /** Ways of paying, the first that a request speaks of is taken. */
  readonly sources: readonly FundingSource[]
  readonly limits: WalletLimits
  readonly judge: AnswerJudge
  readonly ledger: Pick<ReceiptLedger, 'isFull'>
  readonly logger: Logger
  /** Prompts under way at most: each holds a body. */
  readonly maxUnderWay: number
  readonly onExchange: (path: PromptPath, outcome: Passed['outcome'] | number, ms: number) => void
}

/** The way of a prompt: who pays, body, plan, limits, answer, verdict (docs/protocol.md §8). */
export function createExchange(parts: ExchangeParts): Exchange {
  const { logger, onExchange } = parts
  let underWay = 0
  let isDraining = false

  const requireRoom = (): void => {
    if (isDraining) throw new GatewayError('draining', 'this gateway is ending', { retryAfterS: 1 })
    // An answer that cannot be accounted for is not asked for.
    if (underWay <= parts.maxUnderWay && !parts.ledger.isFull) return
    throw new GatewayError('overloaded', 'too many prompts are under way', { retryAfterS: 1 })
  }
  const handle = async (
    request: IncomingMessage,
    response: ServerResponse,
    path: PromptPath,
    requestId: string,
  ): Promise<Passed> => {
    if (request.method !== 'POST') throw new GatewayError('method_not_allowed', 'use POST')
    requireRoom()
    const funding = await fundingOf(parts.sources, request.headers, path)
    const stated = readPreferences(headerOf(request, ROUTING_HEADER))
    const body = await readBody(request)
    const inBody = preferencesOfBody(body, path)
    if (inBody !== undefined && Object.keys(stated).length > 0) {
      throw new GatewayError('invalid_request', `${ROUTING_HEADER}: the body states it as well`, {
        param: ROUTING_HEADER,
      })
    }
    const plan = await funding.plan(body, inBody ?? stated)
    const leave = await parts.limits.enter(plan.payer)
    const signal = leavingOf(response)
    try {
      await plan.admit?.()
      const prompt: IncomingPrompt = { path, headers: request.headers, body, signal }
      const sent = await sendFirst(prompt, plan.proposals, parts)
      return await pass(sent, prompt, plan, { response, requestId })
    } catch (error) {
      if (signal.aborted) await plan.abandon?.()
      throw error
    } finally {
      leave()
    }
  }
  const pass = async (
    sent: SentPrompt,
    { path, headers, body, signal }: IncomingPrompt,
    plan: Plan,
    { response, requestId }: Pick<PassParts, 'response' | 'requestId'>,
  ): Promise<Passed> => {
    const { health, judge } = parts
    const { agentId } = sent.attempt.lease
    let isUnpaid = false
    const collect = async (dues: Dues): ReturnType<Dues['collect']> => {
      isUnpaid = true
      const headers = await dues.collect()
      isUnpaid = false
      return headers
    }
    const { dues } = plan
    try {
      const passed = await passAnswer(sent, {
        path,
        requestId,
        requestBytes: (sent.attempt.body ?? body).length,
        isSealed:
          headers[ENCAPSULATED_KEY_HEADER] !== undefined &&
          sent.answer.headers[RESPONSE_NONCE_HEADER] !== undefined,
        response,
        judge,
        dues: dues && { ...dues, collect: () => collect(dues) },
      })
      const ms = performance.now() - sent.askedAtMs
      if (sent.answer.status >= 500) health.failed(agentId)
      else health.delivered(agentId, passed.bytes, ms)
      return passed
    } catch (error) {
      sent.answer.body.destroy()
      if (signal.aborted || response.destroyed || isUnpaid) health.left(agentId)
      else health.failed(agentId)
      throw error
    }
  }
  return {
    serve: async (request, response, path) => {
      const startedMs = performance.now()
      const requestId = randomUUID()
      underWay++
      let outcome: Passed['outcome'] | number = 500
      try {
        const passed = await handle(request, response, path, requestId)
        outcome = passed.outcome === 'none' ? response.statusCode : passed.outcome
      } catch (error) {
        outcome = refuse(request, response, requestId, error)
        if (!(error instanceof GatewayError) && !response.headersSent) {
          const name = error instanceof Error ? error.name : ''
          logger.error({ requestId, error: name }, 'internal error')
        }
      } finally {
        underWay--
        onExchange(path, outcome, performance.now() - startedMs)
      }
    },
    get underWay() {
      return underWay
    },
    drain: () => {
      isDraining = true
    },
    get isDraining() {
      return isDraining
    },
  }
}

/** Answers with an error, or breaks off an answer that has begun: it must not look complete. Returns the status. */
function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
  error: unknown,
): number {
  if (response.headersSent) {
    response.destroy()
    return response.statusCode
  }
  const { status, headers, body } = errorAnswer(error)
  // What was not read of the request cannot be skipped cheaply.
  const rest = request.readableEnded ? {} : { connection: 'close' }
  response
    .writeHead(status, {
      [REQUEST_ID_HEADER]: requestId,
      ...headers,
      ...rest,
      'content-type': 'application/json',
    })
    .end(JSON.stringify(body))
  return status
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_REQUEST_BYTES) throw tooLarge()
  const body = await readLimited(request, MAX_REQUEST_BYTES).catch(() => {
    throw new GatewayError('invalid_request', 'body: broke off')
  })
  if (body === undefined) throw tooLarge()
  return body
}

function tooLarge(): GatewayError {
  return new GatewayError('body_too_large', `body: more than ${MAX_REQUEST_BYTES} bytes`)
}

/** Ends when the caller has gone before the answer was whole. */
function leavingOf(response: ServerResponse): EndSignal {
  const leaving = new Leaving()
  response.once('close', () => {
    if (!response.writableFinished) leaving.abort(new Error('the caller left'))
  })
  if (response.destroyed) leaving.abort(new Error('the caller left'))
  return leaving
}

function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}
