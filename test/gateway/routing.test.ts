import { describe, expect, test } from 'vitest'
import { MAX_REQUEST_BYTES, utf8 } from '@jeju/verifier/protocol'
import { PassThrough, Readable } from 'node:stream'
import { answer, honest, type Responder } from './network/test-connection.ts'
import { jsonAnswer, streamEnd } from './network/signed-answer.ts'
import { authorizationFor, codeOf, TestNetwork } from './network/test-network.ts'
import type { ProviderRequest } from '../../gateway/src/admission/provider-connection.ts'
import type { TestNode } from './network/test-node.ts'

const PROMPT =
  '{"model":"enclave-mini", "messages":[ {"role":"user","content":"Grüße \\u0000 🦊"} ]}\n'

describe('F1 node_evidence_passes_through_unmodified', () => {
  test('bytes of the request, as the node needs them for its hash', async () => {
    const { network, node } = await admitted()
    await network.ask(node.bindingId, { body: PROMPT })
    expect(network.connection.prompts.map(({ body }) => body)).toEqual([Buffer.from(PROMPT)])
    expect(network.connection.prompts[0]?.path).toBe('/v1/chat/completions')
  })

  test('bytes of a JSON answer, with status and receipt', async () => {
    const text = '{ "id":"chatcmpl-1",\n "choices":[] }'
    let receipt: string | undefined
    const { network, node } = await admitted((request, self) => {
      const signed = jsonAnswer(self, request, text)
      receipt = signed.headers['compute-receipt']
      return signed
    })
    const response = await network.ask(node.bindingId)
    expect(await response.text()).toBe(text)
    expect(response.headers.get('compute-receipt')).toBe(receipt)
    expect(response.headers.get('compute-verdict')).toBe('verified')
    expect(response.headers.get('compute-binding')).toBe(node.bindingId)
    expect(response.headers.get('content-type')).toBe('application/json')
  })

  test('a node refusal is the node’s own words', async () => {
    const refusal = utf8('{"error":{"code":"channel_underfunded"}}')
    const { network, node } = await admitted(() =>
      answer([refusal], { 'content-type': 'application/json', 'retry-after': '7' }, 403),
    )
    const response = await network.ask(node.bindingId)
    expect([response.status, response.headers.get('retry-after')]).toEqual([403, '7'])
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(refusal)
    // A refusal says nothing against the node.
    expect((await network.only()).admitted).toBe(true)
  })

  test('evidence for the caller’s own nonce', async () => {
    const { network, node } = await admitted()
    const nonce = 'cd'.repeat(32)
    const response = await network.gateway.app.request(
      `/v1/providers/${node.agentId}/attestation?nonce=${nonce}`,
    )
    expect(response.status).toBe(200)
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(network.connection.sent.at(-1)?.request.path).toBe(`/v1/attestation?nonce=${nonce}`)
  })

  test.each([
    ['/v1/providers/0/attestation', 400, 'invalid_nonce'],
    [`/v1/providers/0/attestation?nonce=${'00'.repeat(32)}`, 400, 'invalid_nonce'],
    [`/v1/providers/0/attestation?nonce=${'AB'.repeat(32)}`, 400, 'invalid_nonce'],
    [
      `/v1/providers/0/attestation?nonce=${'ab'.repeat(32)}&nonce=${'cd'.repeat(32)}`,
      400,
      'invalid_nonce',
    ],
    [`/v1/providers/0x0/attestation?nonce=${'ab'.repeat(32)}`, 400, 'invalid_request'],
    [`/v1/providers/99/attestation?nonce=${'ab'.repeat(32)}`, 404, 'provider_not_found'],
    ['/v1/files', 404, 'not_found'],
  ])('%s is %i %s', async (path, status, code) => {
    const { network } = await admitted()
    const asked = network.connection.sent.length
    const response = await network.gateway.app.request(path)
    expect([response.status, await codeOf(response)]).toEqual([status, code])
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    expect(network.connection.sent).toHaveLength(asked)
  })

  test('a node without evidence is 502, with nothing of its answer', async () => {
    const { network, node } = await admitted()
    network.connection.at(node.endpoint, () => answer([utf8('internal page')], {}, 200))
    const response = await network.gateway.app.request(
      `/v1/providers/0/attestation?nonce=${'ab'.repeat(32)}`,
    )
    expect(response.status).toBe(502)
    expect(await response.text()).not.toContain('internal page')
  })
})

test('F16 caches_bounded: a provider that never answers takes no places from others', async () => {
  const { network, node } = await admitted()
  const hang: (() => void)[] = []
  network.add({ agentId: 1n }, () => () => {
    return new Promise((_resolve, reject) => hang.push(() => reject(new Error('reset'))))
  })
  const updating = network.update()
  await expect.poll(() => hang.length).toBe(1)
  const evidence = async (agentId: bigint): Promise<Response> =>
    network.gateway.app.request(`/v1/providers/${agentId}/attestation?nonce=${'ab'.repeat(32)}`)
  const stuck = Array.from({ length: 20 }, () => evidence(1n))
  await expect.poll(() => hang.length).toBe(5)
  expect((await evidence(node.agentId)).status).toBe(200)
  for (const reject of hang) reject()
  const statuses = (await Promise.all(stuck)).map(({ status }) => status)
  expect(statuses.filter((status) => status === 429)).toHaveLength(16)
  expect(statuses.filter((status) => status === 502)).toHaveLength(4)
  await updating
  // Places are given back.
  network.connection.at('https://node-1.test', () => Promise.reject(new Error('reset')))
  expect((await evidence(1n)).status).toBe(502)
})

test('a stream passes chunk by chunk, as the node sent it', async () => {
  const frames = ['data: {"a":1}\n\n', ': ping\n\n', 'data: {"b":"ü"}\n\n']
  const upstream = new PassThrough()
  let end = ''
  const { network, node } = await admitted((request, self) => {
    end = streamEnd(self, request, frames.join(''))
    const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' }
    return { status: 200, headers, body: upstream }
  })
  const response = await network.ask(node.bindingId)
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  const reader = response.body?.getReader()
  // Each frame is delivered before the next exists: nothing is held back or joined.
  for (const frame of frames) {
    upstream.write(frame)
    expect((await reader?.read())?.value).toEqual(utf8(frame))
  }
  upstream.end(end)
  expect(new TextDecoder().decode((await reader?.read())?.value)).toBe(end)
  expect((await reader?.read())?.done).toBe(true)
})

test('F12 header_allowlist', async () => {
  const { network, node } = await admitted((request, self) => {
    const signed = jsonAnswer(self, request, '{}')
    const headers = {
      ...signed.headers,
      'x-receipt-id': 'r-1',
      'x-aci-version': 'aci/1',
      'set-cookie': 'spy=1',
      server: 'nginx',
      location: 'https://elsewhere.test',
      'access-control-allow-origin': '*',
      'strict-transport-security': 'max-age=1',
      'x-powered-by': 'node',
      'content-encoding': 'gzip',
    }
    return { ...signed, headers }
  })
  const response = await network.ask(node.bindingId, {
    headers: {
      accept: 'text/event-stream',
      authorization: 'Bearer sk-secret',
      cookie: 'session=1',
      'proxy-authorization': 'Basic x',
      'x-api-key': 'sk-secret',
      'x-payment': 'paid',
      'x-forwarded-for': '203.0.113.9',
      forwarded: 'for=203.0.113.9',
      'user-agent': 'me/1',
    },
  })
  expect(network.connection.prompts[0]?.headers).toEqual({
    accept: 'text/event-stream',
    'content-type': 'application/json',
    'compute-authorization': authorizationFor(node.bindingId),
  })
  expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  expect([...response.headers.keys()].toSorted()).toEqual([
    'compute-binding',
    'compute-receipt',
    'compute-verdict',
    'connection',
    'content-length',
    'content-type',
    'date',
    'keep-alive',
    'x-aci-version',
    'x-receipt-id',
    'x-request-id',
  ])
})

test('F13 no_operator_key_paths: nothing is sent that the caller did not authorise', async () => {
  const { network } = await admitted()
  const missing = await network.request('/v1/chat/completions', {
    method: 'POST',
    headers: { authorization: 'Bearer sk-secret' },
    body: PROMPT,
  })
  expect([missing.status, await codeOf(missing)]).toEqual([402, 'authorization_missing'])
  for (const header of ['', '!', 'e30', 'A'.repeat(9_000)]) {
    const invalid = await network.request('/v1/chat/completions', {
      method: 'POST',
      headers: { 'compute-authorization': header },
      body: PROMPT,
    })
    expect([invalid.status, await codeOf(invalid)]).toEqual([401, 'authorization_invalid'])
  }
  const get = await network.request('/v1/chat/completions')
  expect([get.status, await codeOf(get)]).toEqual([405, 'method_not_allowed'])
  expect(network.connection.prompts).toEqual([])
})

describe('request bodies are bounded', () => {
  test('at the limit they pass', async () => {
    const { network, node } = await admitted()
    const response = await network.ask(node.bindingId, { body: 'a'.repeat(MAX_REQUEST_BYTES) })
    expect(response.status).toBe(200)
    expect(network.connection.prompts[0]?.body).toHaveLength(MAX_REQUEST_BYTES)
  })

  test('one byte more is 413, and the rest is not read', async () => {
    const { network, node } = await admitted()
    let made = 0
    const body = new ReadableStream({
      pull: (controller) => {
        made++
        controller.enqueue(new Uint8Array(64 * 1024))
      },
    })
    const endless: RequestInit & { readonly duplex: 'half' } = { body, duplex: 'half' }
    const response = await network.ask(node.bindingId, endless)
    expect([response.status, await codeOf(response)]).toEqual([413, 'body_too_large'])
    // What was on its way, and no more.
    expect(made).toBeLessThan(200)
    expect(network.connection.prompts).toEqual([])
  })
})

test('a body that breaks off is the caller’s fault, and no line in the log', async () => {
  const { network, node } = await admitted()
  const lines = network.log.length
  const body = new ReadableStream({ start: (controller) => controller.error(new Error('aborted')) })
  const broken: RequestInit & { readonly duplex: 'half' } = { body, duplex: 'half' }
  await expect(network.ask(node.bindingId, broken)).rejects.toThrow()
  expect(network.log).toHaveLength(lines)
  expect(network.connection.prompts).toEqual([])
})

test('F2 lease_end_stops_traffic: also while the body is still arriving', async () => {
  const { network, node } = await admitted()
  const body = new ReadableStream({
    pull: (controller) => {
      network.pass(10)
      controller.enqueue(utf8('{}'))
      controller.close()
    },
  })
  const slow: RequestInit & { readonly duplex: 'half' } = { body, duplex: 'half' }
  expect(await codeOf(await network.ask(node.bindingId, slow))).toBe('provider_not_admitted')
  expect(network.connection.prompts).toEqual([])
})

describe('a node that does not answer', () => {
  test('is 502 provider_unavailable, and its lease ends', async () => {
    const { network, node } = await admitted(() => Promise.reject(new Error('ECONNRESET')))
    const response = await network.ask(node.bindingId)
    expect([response.status, await codeOf(response)]).toEqual([502, 'provider_unavailable'])
    expect(await codeOf(await network.ask(node.bindingId))).toBe('provider_not_admitted')
    expect(network.connection.prompts).toHaveLength(1)
    // Evidence brings it back.
    network.connection.at(node.endpoint, honest(node))
    network.pass(1)
    await network.update()
    expect((await network.ask(node.bindingId)).status).toBe(200)
  })

  test.each([204, 205, 304, 199, 700])('neither is one whose status is %i', async (status) => {
    let cancelled = false
    const body = new Readable({ read: () => undefined })
    body.once('close', () => (cancelled = true))
    const { network, node } = await admitted(() => ({ status, headers: {}, body }))
    const response = await network.ask(node.bindingId)
    expect([response.status, await codeOf(response)]).toEqual([502, 'provider_unavailable'])
    expect(cancelled).toBe(true)
  })
})

test('F15 health_not_writable_by_strangers: hanging up does not end a lease', async () => {
  const { network, node } = await admitted(
    ({ signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('aborted')))
      }),
  )
  const caller = new AbortController()
  const asking = network.ask(node.bindingId, { signal: caller.signal })
  await expect.poll(() => network.connection.prompts.length).toBe(1)
  caller.abort()
  await expect(asking).rejects.toThrow('aborted')
  expect((await network.only()).admitted).toBe(true)
})

test('no prompt, answer or authorisation is logged, not even on failure', async () => {
  const { network, node } = await admitted(() => Promise.reject(new Error('secret answer')))
  await network.ask(node.bindingId, { body: 'secret prompt' })
  await network.update()
  expect(network.log.length).toBeGreaterThan(0)
  expect(network.log.join()).not.toMatch(/secret/)
  expect(network.log.join()).not.toContain(authorizationFor(node.bindingId))
})

async function admitted(
  completion?: (request: ProviderRequest, node: TestNode) => ReturnType<Responder>,
): Promise<{ readonly network: TestNetwork; readonly node: TestNode }> {
  const network = new TestNetwork()
  const node = network.add({}, (self) =>
    honest(self, completion && ((request) => completion(request, self))),
  )
  await network.update()
  expect((await network.only()).admitted).toBe(true)
  return { network, node }
}
