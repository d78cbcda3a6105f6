import {
  AUTHORIZATION_HEADER,
  PROMPT_ENDPOINTS,
  RECEIPT_HEADER,
  isPromptPath,
} from '@jeju/verifier/protocol'
import { Hono } from 'hono'
import type { AnswerService } from '../answer/answer-service.ts'
import { PROMPT_APIS } from '../api/prompt-apis.ts'
import { exchangeOf } from '../exchange/exchange-middleware.ts'
import type { Readiness } from '../readiness.ts'

/** Header that names the receipt of an answer before it is there: the authorisation's hash. */
const RECEIPT_ID_HEADER = 'X-Receipt-Id'

/** Every endpoint that takes a prompt, JSON or events (docs/protocol.md §5, §6). All of them are metered alike. */
export function promptRoutes(answers: AnswerService, readiness: Readiness): Hono {
  const routes = new Hono()
  for (const path of Object.keys(PROMPT_ENDPOINTS).filter(isPromptPath)) {
    const { parse } = PROMPT_APIS[path]
    routes.post(path, async (c) => {
      readiness.assertServing()
      const exchange = exchangeOf(c)
      const request = {
        authorization: c.req.header(AUTHORIZATION_HEADER),
        method: c.req.method,
        path,
        body: exchange.body,
        exchange,
        signal: c.req.raw.signal,
      }
      const answer = await answers.answer(request, parse, readiness.begin())
      const receiptId = { [RECEIPT_ID_HEADER]: answer.receiptId }
      if (answer.kind === 'whole') {
        return c.body(answer.body, 200, {
          ...receiptId,
          'Content-Type': 'application/json',
          [RECEIPT_HEADER]: answer.receiptHeader,
        })
      }
      return c.body(answer.body, 200, {
        ...receiptId,
        'Content-Type': 'text/event-stream; charset=utf-8',
        'Cache-Control': 'no-store',
      })
    })
  }
  return routes
}
