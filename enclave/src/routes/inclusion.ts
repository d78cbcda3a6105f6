import { Hono } from 'hono'
import { NodeError } from '../http/node-error.ts'
import type { ReceiptLog } from '../receipt-log/receipt-log.ts'
import { shownCredential } from './aci.ts'

/**
 * `GET /v1/receipts/:id/inclusion` (docs/protocol.md §12), for whom authorised the request and nobody else: the salt in a proof
 * tells which commitment is whose. Ids are public, so nothing is hashed before the owner is known.
 */
export function inclusionRoute(log: Pick<ReceiptLog, 'find'>): Hono {
  return new Hono().get('/v1/receipts/:id/inclusion', async (c) => {
    const shown = shownCredential(c)
    const found = await log.find(c.req.param('id'))
    if (found?.credentials.includes(shown) !== true) {
      throw new NodeError('not_found', 'no such receipt')
    }
    const proof = await found.prove()
    if (proof === undefined) {
      const text = 'the epoch of this receipt is not anchored yet'
      throw new NodeError('inclusion_pending', text, undefined, found.retryAfterS)
    }
    return c.body(proof, 200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
  })
}
