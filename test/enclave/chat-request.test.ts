import fc from 'fast-check'
import { MAX_REQUEST_BYTES, utf8 } from '@jeju/verifier/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import { parseChatRequest } from '../../enclave/src/api/openai/chat-request.ts'
import { NodeError } from '../../enclave/src/http/node-error.ts'
import { cleanUp, startNode } from './setting/start-node.ts'
import { CHAT_PATH, chatBody, errorOf } from './setting/test-client.ts'

afterAll(cleanUp)

function refusalOf(body: string | Uint8Array): { code: string; param: string | undefined } {
  try {
    parseChatRequest(typeof body === 'string' ? utf8(body) : body)
  } catch (error) {
    if (error instanceof NodeError) return { code: error.code, param: error.param }
    throw error
  }
  return { code: 'accepted', param: undefined }
}

const refusalWith = (members: object): ReturnType<typeof refusalOf> => refusalOf(chatBody(members))

describe('a chat request', () => {
  test.each(['max_tokens', 'max_completion_tokens'])('N7 max_tokens_abuse_table: %s', (field) => {
    const invalid = { code: 'invalid_request', param: field }
    for (const value of [-1, 0, 0.5, '16', '', true, [], {}, 2 ** 31 + 1, 1e308]) {
      expect([value, refusalWith({ [field]: value })]).toEqual([value, invalid])
    }
    const raw = (text: string): string => chatBody().replace('{', `{"${field}":${text},`)
    for (const text of ['NaN', 'Infinity', '-Infinity', '0x10', '1_000', '01']) {
      expect([text, refusalOf(raw(text))]).toEqual([
        text,
        { code: 'invalid_request', param: undefined },
      ])
    }
    expect(refusalOf(raw('1e999'))).toEqual(invalid)
    expect(refusalOf(raw('16.0'))).toEqual({ code: 'accepted', param: undefined })
    expect(parseChatRequest(utf8(chatBody({ [field]: null }))).maxTokens).toBeUndefined()
    expect(parseChatRequest(utf8(chatBody({ [field]: 16 }))).maxTokens).toBe(16)
  })

  test('the engine gets a bounded count where the client gives none or a huge one', async () => {
    const { client, fetch, engine } = await startNode()
    for (const max_tokens of [undefined, null, 2 ** 31]) {
      expect((await fetch(client.request(chatBody({ max_tokens })))).status).toBe(200)
    }
    // The price's own bound is 64, the context's 123.
    expect(engine.requests.map(({ maxTokens }) => maxTokens)).toEqual([64, 64, 64])
  })

  test('what the engine cannot do is refused by name, and never ignored', () => {
    const image = [{ type: 'image_url', image_url: { url: 'https://example.org' } }]
    const effects: readonly (readonly [object, string])[] = [
      [{ functions: [] }, 'functions'],
      [{ logit_bias: { '1': 100 } }, 'logit_bias'],
      [{ store: true }, 'store'],
      [{ service_tier: 'flex' }, 'service_tier'],
      [{ reasoning_effort: 'high' }, 'reasoning_effort'],
      [{ modalities: ['audio'] }, 'modalities'],
      [{ anything_else: 1 }, 'anything_else'],
      [{ stream_options: { include_obfuscation: true } }, 'stream_options'],
    ]
    for (const [members, field] of effects) {
      const { code, param } = refusalWith(members)
      expect([field, code, param?.split('.')[0]]).toEqual([field, 'unsupported_field', field])
    }
    const messages: readonly unknown[] = [
      { role: 'user', content: image },
      { role: 'tool', content: 'x' },
      { role: 'user', content: 'x', name: 'me' },
      { role: 'assistant', content: null, tool_calls: [] },
      { role: 'user' },
    ]
    for (const message of messages) {
      const { code, param } = refusalWith({ messages: [message] })
      expect(code).not.toBe('accepted')
      expect(param).toMatch(/^messages\.0/)
    }
  })

  test('a name that JSON allows and objects treat specially is no way around', () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      const body = chatBody().replace('{', `{"${name}":{"max_tokens":1},`)
      expect([name, refusalOf(body)]).toEqual([name, { code: 'unsupported_field', param: name }])
    }
  })

  test('N7 a refusal is short, however long the names of the request are', async () => {
    const { client, fetch } = await startNode()
    const long = 'x'.repeat(100_000)
    for (const members of [{ [long]: 1 }, { metadata: { [long]: 1 } }]) {
      const answer = await fetch(client.request(chatBody(members)))
      expect(answer.status).toBe(400)
      expect((await answer.text()).length).toBeLessThan(1_000)
    }
  })

  test('what changes nothing is accepted', () => {
    const harmless = {
      n: 1,
      logprobs: false,
      tools: [],
      tool_choice: 'none',
      response_format: { type: 'text' },
      frequency_penalty: 0,
      presence_penalty: null,
      user: 'somebody',
      metadata: { a: 'b' },
      stop: null,
      temperature: 1,
      top_p: 1,
      seed: -5,
    }
    expect(refusalWith(harmless).code).toBe('accepted')
    const parts = [
      { type: 'text', text: 'a' },
      { type: 'text', text: 'b' },
    ]
    const messages = [{ role: 'developer', content: parts }]
    expect(parseChatRequest(utf8(chatBody({ messages }))).prompts).toEqual([
      { kind: 'chat', messages: [{ role: 'system', content: 'ab' }], tools: [] },
    ])
  })

  test('E19 strict_decoding_table: bytes that are no UTF-8 or no JSON object', () => {
    const bodies = ['', '[]', 'null', '"x"', '{', '{}', '{"model":"m"}', `${chatBody()}x`]
    for (const body of bodies) expect(refusalOf(body).code).toBe('invalid_request')
    expect(refusalOf(Uint8Array.of(0x22, 0xff, 0x22)).code).toBe('invalid_request')
  })

  test('E19 strict_decoding_table: a member given twice is refused by its name, however it is written', () => {
    const twice: readonly (readonly [string, string])[] = [
      [chatBody().replace('{', '{"model":"another",'), 'model'],
      [chatBody().replace('{', '{"m\\u006fdel" : "another",'), 'model'],
      [chatBody({ max_tokens: 1 }).replace('{', '{"max_tokens":64,'), 'max_tokens'],
      [chatBody().replace('"content"', '"content":"other","content"'), 'content'],
      [chatBody({ metadata: { a: 'b' } }).replace('"a"', '"a":"c","a"'), 'a'],
      [chatBody().replace('{', '{"__proto__":1,"__proto__":1,'), '__proto__'],
    ]
    for (const [body, param] of twice) {
      expect([body, refusalOf(body)]).toEqual([body, { code: 'invalid_request', param }])
    }
    const once = [
      chatBody({ user: 'model": "x", "model' }),
      chatBody({ user: 'ends with \\' }),
      chatBody({ metadata: { model: 'model', messages: 'content' } }),
      chatBody({
        messages: [
          { role: 'user', content: 'role' },
          { role: 'user', content: '"}' },
        ],
      }),
      JSON.stringify(JSON.parse(chatBody({ stop: ['stop', 'stop'] })), null, 2),
    ]
    for (const body of once) expect([body, refusalOf(body).code]).toEqual([body, 'accepted'])
  })

  test('E19 strict_decoding_table: half a character is refused, not repaired', () => {
    const parts = [{ type: 'text', text: 'a\udc00' }]
    const halves: readonly (readonly [object, string])[] = [
      [{ messages: [{ role: 'user', content: 'a\ud83d' }] }, 'messages.0.content'],
      [{ messages: [{ role: 'user', content: parts }] }, 'messages.0.content'],
      [{ stop: '\ud83d' }, 'stop'],
      [{ stop: ['x', '\udf89'] }, 'stop'],
    ]
    for (const [members, field] of halves) {
      const { code, param } = refusalWith(members)
      expect([members, code, param?.startsWith(field)]).toEqual([members, 'invalid_request', true])
    }
    expect(refusalWith({ stop: '🎉' }).code).toBe('accepted')
  })

  test('two bounds that differ leave open which one was meant', () => {
    expect(refusalWith({ max_tokens: 5, max_completion_tokens: 9 })).toEqual({
      code: 'invalid_request',
      param: 'max_tokens',
    })
    expect(refusalWith({ max_tokens: 5, max_completion_tokens: 5 }).code).toBe('accepted')
    expect(refusalWith({ max_tokens: null, max_completion_tokens: 5 }).code).toBe('accepted')
  })

  test('any JSON is accepted or refused with a code', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (members) => {
        expect(typeof refusalWith(members).code).toBe('string')
      }),
    )
  })

  test('N7 body_limit: counted while it is read, before it is hashed or parsed', async () => {
    const { client, fetch, engine } = await startNode()
    const big = chatBody({ user: 'x'.repeat(MAX_REQUEST_BYTES) })
    expect(await errorOf(await fetch(client.request(big)))).toMatchObject({
      status: 413,
      code: 'body_too_large',
    })
    let sent = 0
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        sent += 65_536
        controller.enqueue(new Uint8Array(65_536))
      },
    })
    const init = { method: 'POST', body: endless, duplex: 'half' as const }
    const answer = await fetch(new Request(`http://node.test${CHAT_PATH}`, init))
    expect(answer.status).toBe(413)
    expect(sent).toBeLessThan(2 * MAX_REQUEST_BYTES)
    const lying = client.request(chatBody())
    lying.headers.set('content-length', String(MAX_REQUEST_BYTES + 1))
    expect((await fetch(lying)).status).toBe(413)
    // The channel of who asks is read before the body; nothing of the body is used.
    expect(engine.requests).toEqual([])
  })

  test('an unpaid body is never parsed: the authorisation comes first', async () => {
    const { fetch } = await startNode()
    const init = { method: 'POST', body: 'not json' }
    const answer = await fetch(new Request(`http://node.test${CHAT_PATH}`, init))
    expect(await errorOf(answer)).toMatchObject({ code: 'authorization_missing' })
  })

  test('N7 no CORS, JSON for every unknown route and method', async () => {
    const { fetch, get } = await startNode()
    const preflight = await fetch(
      new Request(`http://node.test${CHAT_PATH}`, {
        method: 'OPTIONS',
        headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
      }),
    )
    expect(preflight.headers.get('access-control-allow-origin')).toBeNull()
    expect(await errorOf(preflight)).toMatchObject({ status: 405, code: 'method_not_allowed' })
    expect(await errorOf(await get('/v1/nothing'))).toMatchObject({
      status: 404,
      code: 'not_found',
    })
    expect((await get('/health')).headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  })
})
