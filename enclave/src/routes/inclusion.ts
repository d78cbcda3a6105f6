import { Hono } from 'hono'
import { NodeError } from '../http/node-error.ts'
import type { ReceiptLog } from '../receipt-log/receipt-log.ts'
import { ownedBy } from './aci.ts'

/**
 * `GET /v1/receipts/:id/inclusion` (docs/protocol.md §12), for whom authorised the request and nobody else: the salt in a proof
 * tells which commitment is whose.
 */
export function inclusionRoute(log: Pick<ReceiptLog, 'find'>): Hono {
  return new Hono().get('/v1/receipts/:id/inclusion', async (c) => {
    const { proof, retryAfterS } = ownedBy(c, await log.find(c.req.param('id')))
    if (proof === undefined) {
      const text = 'the epoch of this receipt is not anchored yet'
      throw new NodeError('inclusion_pending', text, undefined, retryAfterS)
    }
    return c.body(proof, 200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
  })
}
