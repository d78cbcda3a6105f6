import { Hono } from 'hono'
import type { Leases } from '../admission/leases.ts'

/** `GET /health`. */
export function healthRoute(leases: Leases): Hono {
  return new Hono().get('/health', (c) =>
    c.json({ status: 'ok', admitted: leases.current().length }),
  )
}
