import { once } from 'node:events'
import { buffer, text } from 'node:stream/consumers'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { EVIDENCE_MEDIA_TYPE, parseNonce, utf8 } from '@jeju/verifier/protocol'
import { createProviderConnection } from '../../gateway/src/admission/provider-connection.ts'
import { policyOf } from '../simulated-trust.ts'
import { signedHeaders, streamEnd } from './network/signed-answer.ts'
import { codeOf, platform, TestNetwork } from './network/test-network.ts'
import { TestNode } from './network/test-node.ts'
import { bodyOf, serveBytes, serveHttp, serveUnknownTls } from './network/upstream.ts'

const connection = createProviderConnection(true)
const STREAM = { 'content-type': 'text/event-stream' }
const get = (signal = AbortSignal.timeout(20_000)) =>
  ({ method: 'GET', path: '/v1/attestation', headers: {}, signal }) as const

test('F5 redirects are not followed', async () => {
  let hits = 0
  const elsewhere = await serveHttp((_request, response) => {
    hits++
    response.end('secret')
  })
  const origin = await serveHttp((_request, response) =>
    response.writeHead(302, { location: `${elsewhere}/` }).end('moved'),
  )
  const { status, body } = await connection.send(origin, get())
  expect([status, await text(body)]).toEqual([302, 'moved'])
  expect(hits).toBe(0)

  const { network, node } = await served((_request, response) =>
    response.writeHead(307, { location: elsewhere }).end('{}'),
  )
  const answer = await network.ask(node.bindingId)
  expect([answer.status, answer.headers.get('location')]).toEqual([307, null])
  expect(hits).toBe(0)
})

test('F12 only what was allowed goes over the wire, and bytes come back undecoded', async () => {
  const gzip = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0)
  let seen: object = {}
  const origin = await serveHttp((request, response) => {
    seen = request.headers
    response.writeHead(200, { 'content-encoding': 'gzip', 'set-cookie': ['a=1', 'b=2'] }).end(gzip)
  })
  const { headers, body } = await connection.send(origin, {
    ...get(),
    method: 'POST',
    headers: { accept: 'a/b' },
    body: utf8('ü'),
  })
  expect(seen).toEqual({
    accept: 'a/b',
    'accept-encoding': 'identity',
    'content-length': '2',
    connection: 'keep-alive',
    host: new URL(origin).host,
  })
  expect(headers['set-cookie']).toBeUndefined()
  expect(new Uint8Array(await buffer(body))).toEqual(gzip)
})

test('bytes pass unmodified both ways over real HTTP, a stream in pieces', async () => {
  const prompt = '{"messages": ["Grüße \\u0000 🦊"] }\n'
  const frames = ['data: {"a":"ü"}\n\n', 'da', 'ta: {"b":1}\n\n']
  let end = ''
  let received: Uint8Array | undefined
  const { network, node } = await served((request, response, self) => {
    void bodyOf(request).then(async (body) => {
      received = body
      end = streamEnd(self, request, frames.join(''))
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      for (const frame of frames) {
        response.write(frame)
        await new Promise(setImmediate)
      }
      response.end(end)
    })
  })
  const answer = await network.ask(node.bindingId, { body: prompt })
  expect(answer.headers.get('content-type')).toBe('text/event-stream')
  expect(await answer.text()).toBe(frames.join('') + end)
  expect(received).toEqual(utf8(prompt))
})

test('F15 a connection that a node has closed meanwhile is no node that does not answer', async () => {
  const used = new WeakSet<object>()
  const { network, node } = await served((request, response, self) => {
    if (used.has(request.socket)) request.socket.destroy()
    used.add(request.socket)
    response.writeHead(200, signedHeaders(self, request, utf8('{}'))).end('{}')
  })
  for (let asked = 0; asked < 3; asked++) {
    expect((await network.ask(node.bindingId)).status).toBe(200)
  }
  expect((await network.only()).admitted).toBe(true)
})

describe('F15 time to connect is short, time to answer is as long as an authorisation holds', () => {
  const hasty = createProviderConnection(true, { connectMs: 200, answerMs: 60_000 })

  test('a long answer is waited for', async () => {
    const origin = await serveHttp((_request, response) => {
      setTimeout(() => response.end('late'), 600)
    })
    const { body } = await hasty.send(origin, get())
    expect(await text(body)).toBe('late')
  })

  test('a handshake that does not go on is not', async () => {
    const silent = (await serveBytes('')).replace('http:', 'https:')
    await expect(hasty.send(silent, get())).rejects.toThrow('Connect Timeout')
  })
})

describe('a caller who leaves', () => {
  test('before the answer: the node sees it', async () => {
    const { network, node, closed, arrived } = await served(() => undefined)
    const caller = new AbortController()
    const asking = network.ask(node.bindingId, { signal: caller.signal })
    await arrived
    caller.abort()
    await Promise.all([closed, expect(asking).rejects.toThrow('aborted')])
    expect((await network.only()).admitted).toBe(true)
  })

  test('within a stream, by its signal', async () => {
    const { network, node, closed } = await served((_request, response) => {
      response.writeHead(200, STREAM).write('data: 1\n\n')
    })
    const caller = new AbortController()
    const answer = await network.ask(node.bindingId, { signal: caller.signal })
    const reader = answer.body?.getReader()
    expect((await reader?.read())?.value).toEqual(utf8('data: 1\n\n'))
    caller.abort()
    await closed
    await expect(reader?.read()).rejects.toThrow()
    expect((await network.only()).admitted).toBe(true)
  })

  test('within a stream, by dropping the body', async () => {
    const { network, node, closed } = await served((_request, response) => {
      response.writeHead(200, STREAM).write('data: 1\n\n')
    })
    const answer = await network.ask(node.bindingId)
    await answer.body?.cancel()
    await closed
  })
})

describe('a node that breaks off', () => {
  test('before the answer is 502', async () => {
    const { network, node } = await served((request) => request.socket.destroy())
    const answer = await network.ask(node.bindingId)
    expect([answer.status, await codeOf(answer)]).toEqual([502, 'provider_unavailable'])
    expect((await network.only()).admitted).toBe(false)
  })

  test('within the answer breaks the answer: it never looks complete', async () => {
    const { network, node } = await served((_request, response) => {
      response.writeHead(200, STREAM).write('data: 1\n\n')
      setImmediate(() => response.destroy())
    })
    const answer = await network.ask(node.bindingId)
    await expect(answer.text()).rejects.toThrow()
  })

  test('nothing listens: refused at once', async () => {
    await expect(connection.send('http://127.0.0.1:1', get())).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    })
  })
})

// Such an answer has neither body nor error: waiting for it would stop every later judgement.
test.each([
  [
    'switches protocols',
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
  ],
  ['speaks no HTTP', 'SSH-2.0-OpenSSH_9.9\r\n'],
  ['sends endless headers', `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(100_000)}`],
])('B11 every_error_refuses: a node that %s', async (_case, bytes) => {
  const origin = await serveBytes(bytes)
  await expect(connection.send(origin, get())).rejects.toThrow()
})

test('B11 every_error_refuses: an unknown certificate, whatever the environment says', async () => {
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
  onTestFinished(() => void vi.unstubAllEnvs())
  const origin = await serveUnknownTls((_request, response) => response.end('intercepted'))
  await expect(connection.send(origin, get())).rejects.toMatchObject({
    code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
  })
})

test('B11 every_error_refuses: evidence that never comes ends with the signal', async () => {
  const silent = await serveBytes('')
  await expect(connection.send(silent, get(AbortSignal.timeout(50)))).rejects.toThrow()

  const trickle = await serveBytes('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1')
  const { body } = await connection.send(trickle, get(AbortSignal.timeout(50)))
  await expect(text(body)).rejects.toThrow()
})

/** A network with one admitted node behind a real HTTP server that completes prompts so. */
async function served(
  complete: (request: IncomingMessage, response: ServerResponse, node: TestNode) => void,
): Promise<{
  readonly network: TestNetwork
  readonly node: TestNode
  readonly arrived: Promise<unknown>
  /** The connection of the prompt ended. */
  readonly closed: Promise<unknown>
}> {
  const node = new TestNode(platform)
  const network = new TestNetwork({ policy: policyOf(node.td), connection })
  const { promise: arrived, resolve: arrive } = signalled()
  const { promise: closed, resolve: close } = signalled()
  const endpoint = await serveHttp((request, response) => {
    const url = new URL(request.url ?? '/', 'http://node.test')
    if (request.method === 'GET') {
      void node.evidence(parseNonce(url.searchParams.get('nonce') ?? '')).then((bytes) => {
        response.writeHead(200, { 'content-type': EVIDENCE_MEDIA_TYPE }).end(bytes)
      })
      return
    }
    arrive()
    void once(response, 'close').then(close)
    complete(request, response, node)
  })
  network.register(node)
  network.chain.providers.set(node.agentId, node.state({ endpoint }))
  await network.update()
  expect((await network.only()).judgement?.outcome).toBe('admitted')
  return { network, node, arrived, closed }
}

function signalled(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => undefined
  const promise = new Promise<void>((own) => (resolve = own))
  return { promise, resolve }
}
