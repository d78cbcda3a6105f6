import { documentDigest } from '@jeju/verifier/protocol'
import { afterAll, afterEach, expect, test } from 'vitest'
import { connectUpstreamEngine } from '../../../enclave/src/engine/upstream/upstream-engine.ts'
import { cleanUp, startNode, statusOf, until, type Running } from '../setting/start-node.ts'
import { chatBody, errorOf, readStreamAnswer } from '../setting/test-client.ts'
import { delta, serveVllm, UPSTREAM_MODEL, usageEnd, type VllmServer } from './vllm-server.ts'

let server: VllmServer | undefined
afterEach(() => server?.close())
afterAll(cleanUp)

const BODY = chatBody({ model: UPSTREAM_MODEL })

async function start(): Promise<{ server: VllmServer; running: Running }> {
  const vllm = await serveVllm()
  server = vllm
  vllm.chunks = [delta({ content: 'Ja' }), delta({}, 'stop'), usageEnd(12, 1)]
  const realEngine = await connectUpstreamEngine({
    url: vllm.url,
    model: UPSTREAM_MODEL,
    kind: 'vllm',
    weightsSha256: documentDigest('weights'),
    chatTemplateSha256: documentDigest('template'),
    quantization: 'FP8',
    contextTokens: 4096,
    features: [],
    prefixCache: 'salted',
    maxAnswers: 2,
  })
  return { server: vllm, running: await startNode({ realEngine }) }
}

test('a server that is gone takes the node out of service, and its return brings the node back', async () => {
  const { server, running } = await start()
  const { client, fetch, chain, node } = running
  const ask = async (): Promise<Response> => fetch(client.request(BODY))
  expect((await ask()).status).toBe(200)
  server.down = true
  // One failure is a connection that broke; nobody pays for it.
  expect(await errorOf(await ask())).toMatchObject({ status: 502, code: 'engine_failed' })
  await until(async () => (await statusOf(running)) === 'starting')
  expect(await (await running.get('/health')).json()).toMatchObject({ waiting_for: 'engine' })
  expect(await errorOf(await ask())).toMatchObject({ status: 503, code: 'not_ready' })
  server.down = false
  await until(async () => (await statusOf(running)) === 'ok')
  expect((await ask()).status).toBe(200)
  await node.drain()
  expect(chain.settlements.flat()).toHaveLength(2)
}, 40_000)

test('one that comes back with another model stays out of service', async () => {
  const { server, running } = await start()
  server.down = true
  await running.fetch(running.client.request(BODY))
  await until(async () => (await statusOf(running)) === 'starting')
  server.models = { object: 'list', data: [{ id: 'other/model', max_model_len: 4096 }] }
  const before = server.seen.length
  server.down = false
  await until(() => server.seen.slice(before).some(({ path }) => path === '/v1/models'))
  expect(await statusOf(running)).toBe('starting')
}, 40_000)

test('E15 missing_signature_is_error: a server that dies in a stream leaves it without a receipt, and unpaid', async () => {
  const { server, running } = await start()
  const { client, fetch, chain, node, logs } = running
  server.chunks = [delta({ content: 'Ja' })]
  server.hang = true
  const body = chatBody({ model: UPSTREAM_MODEL, stream: true })
  const signed = client.sign(body)
  const reading = readStreamAnswer(await fetch(client.request(body, signed)), signed.salt)
  await until(() => server.seen.some(({ path }) => path === '/v1/chat/completions'))
  await server.close()
  await expect(reading).rejects.toThrow()
  await node.drain()
  expect(chain.settlements).toEqual([])
  expect(logs.join('')).toContain('ENGINE_FAILED')
}, 20_000)
