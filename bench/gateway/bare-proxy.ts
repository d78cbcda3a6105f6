import { Readable } from 'node:stream'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { Agent } from 'undici'
import { answerUsage, type Serving } from './messages.ts'

/** The least a proxy in JavaScript can do with hono: bytes through, nothing looked at. */
const upstream = `http://127.0.0.1:${process.argv[2] ?? ''}`
const agent = new Agent({ connections: 512 })
const app = new Hono()
app.post('/v1/chat/completions', async (c) => {
  const answer = await agent.request({
    origin: upstream,
    path: c.req.path,
    method: 'POST',
    headers: { 'content-type': 'application/json', ...authorizationOf(c.req.header()) },
    body: Buffer.from(await c.req.arrayBuffer()),
  })
  return new Response(Readable.toWeb(answer.body) as ReadableStream, {
    status: answer.statusCode,
    headers: { 'content-type': String(answer.headers['content-type']) },
  })
})
serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => {
  answerUsage()
  const serving: Serving = { port }
  process.send?.(serving)
})

function authorizationOf(headers: Readonly<Record<string, string>>): Record<string, string> {
  const value = headers['compute-authorization']
  return value === undefined ? {} : { 'compute-authorization': value }
}
