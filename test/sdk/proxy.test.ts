import { request } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import OpenAI from 'openai'
import { afterEach, describe, expect, test } from 'vitest'
import { serveProxy, type ProxyOptions, type RunningProxy } from '@jeju/sdk/node'
import { chat, Market } from './market/market.ts'
import { ANSWER_TEXT } from './market/test-node.ts'

const closing: RunningProxy[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map((proxy) => proxy.close()))
})

async function start(market: Market, options: Partial<ProxyOptions> = {}): Promise<string> {
  const proxy = await serveProxy({ fetch: market.fetch, port: 0, ...options })
  closing.push(proxy)
  return proxy.url
}

interface Answer {
  readonly status: number
  readonly headers: Record<string, unknown>
  readonly body: string
}

/** A request with headers that a fetch would not let us set. */
function send(
  url: string,
  options: { method?: string; path?: string; headers?: Record<string, string>; body?: string },
): Promise<Answer> {
  const { method = 'POST', path = '/v1/chat/completions', headers = {}, body } = options
  return new Promise((resolve, reject) => {
    const outgoing = request(`${url}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
    })
    outgoing.on('error', reject)
    outgoing.on('response', (response) => {
      const { statusCode: status = 0 } = response
      text(response).then(
        (answer) => resolve({ status, headers: response.headers, body: answer }),
        reject,
      )
    })
    outgoing.end(body)
  })
}

const QUESTION = chat().body
const codeOf = ({ body }: Answer): unknown => {
  const { error }: { error: { code: unknown; type: unknown; message: unknown } } = JSON.parse(body)
  expect(typeof error.type).toBe('string')
  expect(typeof error.message).toBe('string')
  return error.code
}

describe('the local proxy', () => {
  test('serves a plain OpenAI client, complete and streamed', async () => {
    const market = new Market()
    const openai = new OpenAI({ apiKey: 'unused', baseURL: `${await start(market)}/v1` })
    const question = {
      model: 'enclave-mini',
      messages: [{ role: 'user' as const, content: 'Grüß Gott' }],
    }
    const completion = await openai.chat.completions.create(question)
    expect(completion.choices[0]?.message.content).toBe(ANSWER_TEXT)
    let streamed = ''
    for await (const chunk of await openai.chat.completions.create({ ...question, stream: true })) {
      streamed += chunk.choices[0]?.delta.content ?? ''
    }
    expect(streamed).toBe(ANSWER_TEXT)
    expect((await openai.models.list()).data).toEqual([])
    expect(market.eventsOf('receipt-verified')).toHaveLength(2)
  })

  test('listens on loopback unless told otherwise', async () => {
    expect(await start(new Market())).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  })

  test('an unverified provider is a 502 that names the check', async () => {
    const market = new Market()
    market.gateway.changeEvidence = () => new Uint8Array(3)
    const answer = await send(await start(market), { body: QUESTION })
    expect(answer.status).toBe(502)
    expect(codeOf(answer)).toBe('not_verified')
    expect(answer.body).toContain('evidence-readable')
    expect(market.gateway.chats).toHaveLength(0)
  })

  test('a changed JSON answer is a 502 that names the check and is not to be repeated', async () => {
    const market = new Market()
    market.gateway.changeAnswer = (answer) => ({ ...answer, chunks: [new Uint8Array(9)] })
    const answer = await send(await start(market), { body: QUESTION })
    expect(answer.status).toBe(502)
    expect(codeOf(answer)).toBe('not_verified')
    expect(answer.body).toContain('receipt-response')
    expect(answer.headers['x-should-retry']).toBe('false')
  })

  test('a stream that turns out changed ends with a destroyed connection', async () => {
    const market = new Market()
    market.gateway.changeAnswer = (answer) => ({ ...answer, chunks: answer.chunks.slice(0, -2) })
    const url = await start(market)
    const body = chat({ stream: true }).body
    await expect(send(url, { body })).rejects.toMatchObject({ code: 'ECONNRESET' })
  })

  test.each([
    [{ origin: 'https://evil.test' }, 'cross_origin_request', 403],
    [{ origin: 'null' }, 'cross_origin_request', 403],
    [{ 'sec-fetch-site': 'cross-site' }, 'cross_origin_request', 403],
    [{ 'sec-fetch-site': 'same-origin' }, 'cross_origin_request', 403],
    [{ host: 'rebound.evil.test' }, 'host_not_allowed', 403],
    [{ host: '127.0.0.1' }, 'host_not_allowed', 403],
    [{ 'content-type': 'text/plain' }, 'content_type_unsupported', 415],
  ])('a request with %j is refused', async (headers, code, status) => {
    const market = new Market()
    const answer = await send(await start(market), { headers, body: QUESTION })
    expect(answer.status).toBe(status)
    expect(codeOf(answer)).toBe(code)
    expect(market.gateway.seen).toHaveLength(0)
  })

  test('another name is answered when it is allowed', async () => {
    const url = await start(new Market(), { allowedHosts: ['proxy.internal:1234'] })
    const answer = await send(url, { headers: { host: 'proxy.internal:1234' }, body: QUESTION })
    expect(answer.status).toBe(200)
  })

  test.each([
    ['POST', '/v1/audio/speech'],
    ['GET', '/v1/chat/completions'],
    ['OPTIONS', '/v1/chat/completions'],
    ['POST', '/v1/chat/completions?x=1'],
    ['POST', '//evil.test/v1/chat/completions'],
  ])('%s %s is not there', async (method, path) => {
    const market = new Market()
    const answer = await send(await start(market), { method, path, body: '{}' })
    expect(answer.status).toBe(404)
    expect(codeOf(answer)).toBe('not_found')
    expect(market.gateway.seen).toHaveLength(0)
  })

  test('a body beyond the limit is a 413, one that is no request a 400', async () => {
    const url = await start(new Market())
    const large = await send(url, { body: 'x'.repeat(2 ** 20 + 1) })
    expect(large.status).toBe(413)
    expect(codeOf(large)).toBe('request_too_large')
    const wrong = await send(url, { body: '{"model":7}' })
    expect(wrong.status).toBe(400)
    expect(codeOf(wrong)).toBe('request_invalid')
  })

  test('a client that leaves ends the exchange with the gateway', async () => {
    const market = new Market()
    const aborted = new Promise<void>((resolve) => {
      const fetch = market.fetchWith({
        transport: async (input, init) => {
          if (init?.method !== 'POST') return market.gateway.transport(input, init)
          init.signal?.addEventListener('abort', () => resolve())
          return new Promise<Response>(() => undefined)
        },
      })
      void start(market, { fetch }).then((url) => {
        const socket = connect(Number(new URL(url).port), '127.0.0.1')
        const head = `POST /v1/chat/completions HTTP/1.1\r\nHost: ${new URL(url).host}\r\n`
        const type = 'Content-Type: application/json\r\n'
        socket.write(`${head}${type}Content-Length: ${QUESTION.length}\r\n\r\n${QUESTION}`)
        setTimeout(() => socket.destroy(), 500)
      })
    })
    await aborted
  })
})
