import { EVIDENCE_MEDIA_TYPE } from '@jeju/verifier/protocol'
import { Hono } from 'hono'
import type { Attester } from '../attestation/attester.ts'
import type { EvidenceArchive } from '../attestation/evidence-archive.ts'
import { NodeError } from '../http/node-error.ts'
import { requiredNonce } from './nonce.ts'

/** `GET /v1/attestation?nonce=` and `GET /v1/evidence/:digest` (docs/protocol.md §7). */
export function attestationRoutes(attester: Attester, archive: EvidenceArchive): Hono {
  const routes = new Hono()
  routes.get('/v1/attestation', async (c) => {
    const nonce = requiredNonce(c.req.queries('nonce'))
    const evidence = await attester.attest({ kind: 'challenge', nonce: `0x${nonce}` })
    return c.body(evidence, 200, {
      'Content-Type': EVIDENCE_MEDIA_TYPE,
      'Cache-Control': 'no-store',
    })
  })
  routes.get('/v1/evidence/:digest', async (c) => {
    const digest = c.req.param('digest')
    const stored = /^[0-9a-f]{64}$/.test(digest) ? await archive.get(`0x${digest}`) : undefined
    if (stored === undefined) throw new NodeError('not_found', 'no evidence of that digest')
    return c.body(new Uint8Array(stored), 200, { 'Content-Type': EVIDENCE_MEDIA_TYPE })
  })
  return routes
}
