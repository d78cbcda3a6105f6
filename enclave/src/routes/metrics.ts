import { Hono } from 'hono'
import type { Metrics } from '../metrics.ts'

/**
 * `GET /metrics`, Prometheus. Counts and times; nothing of content, callers or host. Counters read between two answers tell
 * how long each was, so this is served to the machine alone.
 */
export function metricsRoute(metrics: Pick<Metrics, 'contentType' | 'text'>): Hono {
  return new Hono().get('/metrics', async (c) =>
    c.body(await metrics.text(), 200, { 'Content-Type': metrics.contentType }),
  )
}
