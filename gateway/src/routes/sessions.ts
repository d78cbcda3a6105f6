import { ACI_VERSION } from '@jeju/verifier/protocol'
import { Hono } from 'hono'
import { sessionIdOf, type Lease } from '../admission/lease.ts'
import type { Leases } from '../admission/leases.ts'
import { GatewayError } from '../http/gateway-error.ts'
import type { GatewayStore } from '../store/gateway-store.ts'

/**
 * `GET /v1/aci/sessions` and `/v1/aci/sessions/:id`: leases as attested sessions (ACI). Listed are those in force;
 * a session that ended stays retrievable unchanged for a week where a node answered under it, and for an hour else.
 */
export function sessionsRoutes(leases: Leases, sessions: GatewayStore['sessions']): Hono {
  const routes = new Hono()
  routes.get('/v1/aci/sessions', (c) => {
    const name = c.req.query('upstream_name')
    const model = c.req.query('model')
    const listed = leases
      .current()
      .filter((lease) => model === undefined || serves(lease, model))
      .map(({ session }) => session.listed)
      .filter(({ upstream_name }) => name === undefined || upstream_name === name)
    return c.json({ api_version: ACI_VERSION, sessions: listed })
  })
  routes.get('/v1/aci/sessions/:id', (c) => {
    const id = c.req.param('id')
    if (!/^[0-9a-f]{64}$/.test(id)) {
      throw new GatewayError('invalid_request', 'id: expected 64 lowercase hex characters')
    }
    const own = leases.current().find((lease) => sessionIdOf(lease) === id)
    const document = own?.session.document ?? sessions.get(id)
    if (document === undefined) throw new GatewayError('not_found', 'no such session')
    return c.body(document, 200, { 'Content-Type': 'application/json' })
  })
  return routes
}

function serves({ models }: Lease, name: string): boolean {
  return [...models.values()].some(({ id }) => id === name)
}
