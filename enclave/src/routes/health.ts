import { Hono } from 'hono'
import type { NodeIdentity } from '../statement/node-identity.ts'
import type { Readiness } from '../readiness.ts'

/** `GET /health`. Public values only: what the statement says anyway, and whether requests are taken. */
export function healthRoute(identity: NodeIdentity, readiness: Readiness): Hono {
  return new Hono().get('/health', (c) =>
    c.json({
      status: readiness.status,
      registered: readiness.status === 'ok',
      binding_id: identity.bindingId,
      signer: identity.statement.signer,
      agent_id: identity.statement.agentId.toString(),
    }),
  )
}
