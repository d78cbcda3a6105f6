import { Hono } from 'hono'
import type { GatewayStore } from '../store/gateway-store.ts'

const MAX_LISTED = 100

/** `GET /v1/findings`: answers that were not what their nodes signed for, newest first; hashes and signatures only. */
export function findingsRoute(findings: GatewayStore['findings']): Hono {
  return new Hono().get('/v1/findings', (c) =>
    c.json({
      findings: findings.list(MAX_LISTED).map(({ at, agentId, bindingId, evidence }) => ({
        at: new Date(at).toISOString(),
        agentId: agentId.toString(),
        bindingId,
        evidence: JSON.parse(evidence) as unknown,
      })),
    }),
  )
}
