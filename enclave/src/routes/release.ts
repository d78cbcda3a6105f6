import { Hono } from 'hono'
import type { BodyReader } from '../http/read-body.ts'
import type { ReleaseHolds } from '../payment/release-holds.ts'

/**
 * `POST /v1/release` (docs/protocol.md §5.1): the document that a user signed, brought by whoever releases the channel. Answers
 * what the channel still owes this node, which takes nothing more of it.
 */
export function releaseRoute(holds: ReleaseHolds, bodies: BodyReader): Hono {
  return new Hono().post('/v1/release', async (c) => {
    const { channelId, owed } = await holds.hold(await bodies.read(c.req.raw))
    const answer = { channelId, owed: owed.toString() }
    return c.json(answer, 200, { 'Cache-Control': 'no-store' })
  })
}
