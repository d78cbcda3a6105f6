import { Hono } from 'hono'
import { GatewayError } from '../http/gateway-error.ts'
import type { AnswerRecords } from '../receipts/answer-records.ts'
import type { ReceiptSigner } from '../receipts/gateway-receipt.ts'

const JSON_TYPE = { 'Content-Type': 'application/json' }

/**
 * `GET /v1/receipts/:id`: what this gateway states of an answer, by its `X-Request-Id`; signed when it is asked for.
 * `GET /v1/receipts/key`: who signs.
 */
export function receiptsRoutes(records: AnswerRecords, signer: ReceiptSigner): Hono {
  const key = JSON.stringify({ algo: 'ed25519', public_key: signer.publicKey })
  return new Hono()
    .get('/v1/receipts/key', (c) => c.body(key, 200, JSON_TYPE))
    .get('/v1/receipts/:id', (c) => {
      const record = records.get(c.req.param('id'))
      if (record === undefined) throw new GatewayError('not_found', 'no such receipt')
      return c.body(signer.sign(record), 200, JSON_TYPE)
    })
}
