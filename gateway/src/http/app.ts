import { randomUUID } from 'node:crypto'
import { Hono } from 'hono'
import type { Logger } from '../logging.ts'
import { errorAnswer, GatewayError } from './gateway-error.ts'

/** Header that names a request in an answer and in the log. */
export const REQUEST_ID_HEADER = 'x-request-id'

/** The app of a gateway: its routes, and the one place where their errors become HTTP. */
export function createApp(routes: readonly Hono[], logger: Logger): Hono {
  const app = new Hono()
  app.use(async (c, next) => {
    await next()
    // After, because an answer that is passed on brings its own headers.
    c.header(REQUEST_ID_HEADER, randomUUID())
  })
  for (const route of routes) app.route('/', route)
  app.notFound((c) => {
    const { body, status } = errorAnswer(new GatewayError('not_found', 'no such endpoint'))
    return c.json(body, status)
  })
  app.onError((error, c) => {
    if (!(error instanceof GatewayError)) logger.error({ error: error.name }, 'internal error')
    const { status, headers, body } = errorAnswer(error)
    return c.json(body, status, headers)
  })
  return app
}
