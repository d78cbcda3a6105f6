import { randomUUID } from 'node:crypto'
import { Hono } from 'hono'
import type { Logger } from '../logging.ts'
import { errorBody, GATEWAY_ERRORS, GatewayError } from './gateway-error.ts'

/** The app of a gateway: its routes, and the one place where errors become HTTP. */
export function createApp(routes: readonly Hono[], logger: Logger): Hono {
  const app = new Hono()
  app.use(async (c, next) => {
    await next()
    // After, because an answer that is passed on brings its own headers.
    c.header('X-Request-Id', randomUUID())
  })
  for (const route of routes) app.route('/', route)
  app.notFound((c) => c.json(errorBody(new GatewayError('not_found', 'no such endpoint')), 404))
  app.onError((error, c) => {
    if (!(error instanceof GatewayError)) logger.error({ error: error.name }, 'internal error')
    const known =
      error instanceof GatewayError ? error : new GatewayError('internal_error', 'internal error')
    return c.json(errorBody(known), GATEWAY_ERRORS[known.code].status)
  })
  return app
}
