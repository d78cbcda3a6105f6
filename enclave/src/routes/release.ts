import { Hono } from 'hono'
import { createBodyReader } from '../http/read-body.ts'
import type { ReleaseHolds } from '../payment/release-holds.ts'

/** Small and quick, and none of the places where prompts are read: a busy node answers too. One MiB of bodies at most. */
const BODY_LIMITS = {
  timeoutMs: 5_000,
  concurrent: 0,
  ofOneOwner: 0,
  ofStrangers: 256,
  maxBytes: 4_096,
}

/**
 * `POST /v1/release` (docs/protocol.md §5.1): the document that a user signed, brought by whoever releases the channel. Answers
 * what the channel still owes this node, which takes nothing more of it.
 */
export function releaseRoute(holds: ReleaseHolds): Hono {
  const bodies = createBodyReader(BODY_LIMITS)
  return new Hono().post('/v1/release', async (c) => {
    const { channelId, owed } = await holds.hold(await bodies.read(c.req.raw))
    const answer = { channelId, owed: owed.toString() }
    return c.json(answer, 200, { 'Cache-Control': 'no-store' })
  })
}
