import { AUTHORIZATION_HEADER, RECEIPT_HEADER } from '@jeju/verifier/protocol'
import { Hono } from 'hono'
import type { ChatService } from '../chat/chat-service.ts'
import { NodeError } from '../http/node-error.ts'
import { readBody } from '../http/read-body.ts'
import type { Readiness } from '../readiness.ts'

/** `POST /v1/chat/completions`, JSON or SSE (docs/protocol.md §5, §6). */
export function chatCompletionsRoute(chat: ChatService, readiness: Readiness): Hono {
  const route = new Hono()
  route.post('/v1/chat/completions', async (c) => {
    readiness.assertServing()
    const request = {
      authorization: c.req.header(AUTHORIZATION_HEADER),
      method: c.req.method,
      path: c.req.path,
      body: await readBody(c.req.raw),
      signal: c.req.raw.signal,
    }
    const answer = await readiness.during(chat.complete(request))
    if (answer.kind === 'whole') {
      return c.body(answer.body, 200, {
        'Content-Type': 'application/json',
        'X-Receipt-Id': answer.receiptId,
        [RECEIPT_HEADER]: answer.receiptHeader,
      })
    }
    return c.body(readiness.tracked(streamOf(answer.frames)), 200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Receipt-Id': answer.receiptId,
    })
  })
  route.all('/v1/chat/completions', () => {
    throw new NodeError('method_not_allowed', 'use POST')
  })
  return route
}

/** Pulled frame by frame, so a slow reader slows the engine; a reader who goes away ends the generator. */
function streamOf(
  frames: AsyncGenerator<Uint8Array<ArrayBuffer>, void>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    pull: async (controller) => {
      const frame = await frames.next()
      if (frame.done === true) controller.close()
      else controller.enqueue(frame.value)
    },
    cancel: async () => {
      await frames.return()
    },
  })
}
