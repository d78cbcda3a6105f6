import { afterAll, expect, test } from 'vitest'
import { openApiDocument } from '../../enclave/src/api/openapi.ts'
import { EngineError } from '../../enclave/src/engine/engine-error.ts'
import { MODEL } from './setting/scripted-engine.ts'
import { cleanUp, startNode } from './setting/start-node.ts'
import { chatBody } from './setting/test-client.ts'

afterAll(cleanUp)

test('N12 admin_needs_auth: the OpenAPI document has every route and no other, and none administers', async () => {
  const { node, get } = await startNode()
  const document = (await (await get('/openapi.json')).json()) as {
    paths: Record<string, Record<string, unknown>>
  }
  expect(document).toEqual(JSON.parse(JSON.stringify(openApiDocument())))
  const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )
  const served = node.app.routes
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => `${method} ${path.replaceAll(/:([a-z]+)/g, '{$1}')}`)
  expect(new Set(documented)).toEqual(new Set(served))
})

test('metrics count answers and tokens, and hold nothing of content, callers or host', async () => {
  const { client, fetch, get, engine, node } = await startNode()
  engine.pieces = ['canary-answer']
  await fetch(client.request(chatBody()))
  await get('/v1/canary-path')
  engine.failAt = { piece: 0, error: new EngineError('ENGINE_FAILED', 'broken') }
  await fetch(client.request(chatBody()))
  // Exact counts tell between two answers how long each was: they are for the machine alone.
  expect((await get('/metrics')).status).toBe(404)
  const answer = await node.figures.request('/metrics')
  const text = await answer.text()
  expect(answer.headers.get('content-type')).toContain('text/plain')
  expect(text).toContain('jeju_tokens_total{path="/v1/chat/completions",direction="in"} 5')
  expect(text).toContain('jeju_answers_total{path="/v1/chat/completions",finish="stop"} 1')
  expect(text).toContain('jeju_requests_total{path="/v1/chat/completions",status="502"} 1')
  expect(text).toContain('jeju_requests_total{path="other",status="404"} 2')
  for (const hidden of ['canary', client.channelId, 'Wie geht', 'process_', 'nodejs_']) {
    expect(text).not.toContain(hidden)
  }
})

test('models state context, digest, state and the current price', async () => {
  const { get, engine, chain, clock } = await startNode()
  const { data } = (await (await get('/v1/models')).json()) as { data: unknown[] }
  expect(data[0]).toMatchObject({
    id: MODEL,
    context_length: 128,
    weights_sha256: engine.descriptor.weights_sha256,
    state: 'measured',
    price: { version: 1, in_per_million_tokens: '2000000', max_output_tokens: 64, unit: 'wei' },
  })
  expect(await (await get(`/v1/models/${MODEL}`)).json()).toEqual(data[0])
  expect((await get('/v1/models/other')).status).toBe(404)
  chain.down = true
  clock.pass(61)
  expect(await (await get(`/v1/models/${MODEL}`)).json()).toMatchObject({ price: null })
})
