import type { MiddlewareHandler } from 'hono'
import type { Metrics } from '../metrics.ts'

/** Counts every answer and the time until its headers; what is streamed after them is counted when it is concluded. */
export function countRequests(metrics: Pick<Metrics, 'requested'>): MiddlewareHandler {
  return async function countRequest(c, next) {
    const started = performance.now()
    await next()
    metrics.requested(c.req.path, c.res.status, performance.now() - started)
  }
}
