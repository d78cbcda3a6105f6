import { isPromptPath, PROMPT_ENDPOINTS } from '@jeju/verifier/protocol'
import { Hono } from 'hono'
import { GatewayError } from '../http/gateway-error.ts'
import type { Router } from '../routing/router.ts'

/** Endpoints that take a prompt: passed to the node the authorisation names (docs/protocol.md §8). */
export function promptRoutes(router: Router): Hono {
  const routes = new Hono()
  for (const path of Object.keys(PROMPT_ENDPOINTS).filter(isPromptPath)) {
    routes.post(path, (c) => router.forward(c.req.raw, path))
    routes.all(path, () => {
      throw new GatewayError('method_not_allowed', 'use POST')
    })
  }
  return routes
}
