import { Hono } from 'hono'
import type { Leases } from '../admission/leases.ts'

/** `GET /health`: 503 once no more prompts are taken, so that whoever balances load looks elsewhere. */
export function healthRoute(leases: Leases, isDraining: () => boolean): Hono {
  return new Hono().get('/health', (c) => {
    const admitted = leases.current().length
    return isDraining()
      ? c.json({ status: 'draining', admitted }, 503)
      : c.json({ status: 'ok', admitted })
  })
}
