import { Hono } from 'hono'
import { GatewayError } from '../http/gateway-error.ts'
import type { Router } from '../routing/router.ts'

const PATH = '/v1/chat/completions'

/** `POST /v1/chat/completions`: passed to the node the authorisation names (docs/protocol.md §8). */
export function chatCompletionsRoute(router: Router): Hono {
  const route = new Hono()
  route.post(PATH, (c) => router.forward(c.req.raw, PATH))
  route.all(PATH, () => {
    throw new GatewayError('method_not_allowed', 'use POST')
  })
  return route
}
