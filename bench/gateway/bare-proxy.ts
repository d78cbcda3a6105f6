import { Readable } from 'node:stream'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { createProviderConnection } from '../../gateway/src/admission/provider-connection.ts'
import { answerUsage, type Serving } from './messages.ts'

/** The least a proxy can do with hono over the gateway's own connections: bytes through, nothing looked at. */
const upstream = `http://127.0.0.1:${process.argv[2] ?? ''}`
const connection = createProviderConnection(true)
const app = new Hono()
app.post('/v1/chat/completions', async (c) => {
  const authorization = c.req.header('compute-authorization') ?? ''
  const { status, headers, body } = await connection.send(upstream, {
    method: 'POST',
    path: c.req.path,
    headers: { 'content-type': 'application/json', 'compute-authorization': authorization },
    body: new Uint8Array(await c.req.arrayBuffer()),
    signal: c.req.raw.signal,
  })
  const type = headers['content-type'] ?? 'application/octet-stream'
  return new Response(
    Readable.toWeb(Readable.from(body)) as ReadableStream<Uint8Array<ArrayBuffer>>,
    {
      status,
      headers: { 'content-type': type },
    },
  )
})
serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => {
  answerUsage()
  const serving: Serving = { port }
  process.send?.(serving)
})
