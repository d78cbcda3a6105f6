import { AUTHORIZATION_HEADER, RECEIPT_HEADER } from '@jeju/verifier/protocol'
import { Hono } from 'hono'
import type { ChatService } from '../chat/chat-service.ts'
import { exchangeOf } from '../exchange/exchange-middleware.ts'
import { NodeError } from '../http/node-error.ts'
import { readBody } from '../http/read-body.ts'
import type { Readiness } from '../readiness.ts'

/** Header that names the receipt of an answer before it is there: the authorisation's hash. */
const RECEIPT_ID_HEADER = 'X-Receipt-Id'

/** `POST /v1/chat/completions`, JSON or SSE (docs/protocol.md §5, §6). */
export function chatCompletionsRoute(chat: ChatService, readiness: Readiness): Hono {
  const route = new Hono()
  route.post('/v1/chat/completions', async (c) => {
    readiness.assertServing()
    const body = await readBody(c.req.raw)
    const request = {
      authorization: c.req.header(AUTHORIZATION_HEADER),
      method: c.req.method,
      path: c.req.path,
      body,
      exchange: exchangeOf(c),
      signal: c.req.raw.signal,
    }
    const answer = await chat.complete(request, readiness.begin())
    if (answer.kind === 'whole') {
      return c.body(answer.body, 200, {
        'Content-Type': 'application/json',
        [RECEIPT_ID_HEADER]: answer.receiptId,
        [RECEIPT_HEADER]: answer.receiptHeader,
      })
    }
    return c.body(answer.body, 200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      [RECEIPT_ID_HEADER]: answer.receiptId,
    })
  })
  route.all('/v1/chat/completions', () => {
    throw new NodeError('method_not_allowed', 'use POST')
  })
  return route
}
