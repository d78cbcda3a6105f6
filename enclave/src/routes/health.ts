import { Hono } from 'hono'
import type { NodeIdentity } from '../statement/node-identity.ts'
import type { Readiness } from '../readiness.ts'
import type { Registrar } from '../registration/registrar.ts'

/**
 * `GET /health`. Public values only, which the statement says anyway, whether requests are taken, and why the node is not
 * registered: nothing of the host (attack N8). The signer is there for the operator, who sends it gas money before anything is on chain.
 */
export function healthRoute(
  identity: NodeIdentity,
  readiness: Readiness,
  registrar: Registrar,
): Hono {
  return new Hono().get('/health', (c) =>
    c.json({
      status: readiness.status,
      waiting_for: readiness.obstacle ?? null,
      registered: registrar.registered,
      reason: registrar.reason ?? null,
      binding_id: identity.bindingId,
      signer: identity.statement.signer,
      agent_id: identity.statement.agentId.toString(),
    }),
  )
}
