import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { documentDigest } from '@jeju/verifier/protocol'
import type { Engine } from '../../../enclave/src/engine/engine.ts'
import { isInsideUrl } from '../../../enclave/src/engine/upstream/upstream-address.ts'
import {
  connectUpstreamEngine,
  type UpstreamOptions,
} from '../../../enclave/src/engine/upstream/upstream-engine.ts'
import { answer, collect, generate, user } from './run-engine.ts'
import {
  delta,
  frame,
  serveVllm,
  UPSTREAM_MODEL,
  usageEnd,
  type VllmServer,
} from './vllm-server.ts'

const SECRET = 'canary-51aa'

let server: VllmServer
let engine: Engine
beforeEach(async () => {
  server = await serveVllm()
  engine = await connect()
})
afterEach(async () => {
  await engine.close()
  await server.close()
})

function connect(changes: Partial<UpstreamOptions> = {}): Promise<Engine> {
  return connectUpstreamEngine({
    url: server.url,
    model: UPSTREAM_MODEL,
    kind: 'vllm',
    weightsSha256: documentDigest('weights'),
    chatTemplateSha256: documentDigest('template'),
    quantization: 'FP8',
    contextTokens: 4096,
    features: ['tools', 'logprobs', 'json_schema', 'embeddings', 'completions'],
    prefixCache: 'salted',
    maxAnswers: 2,
    ...changes,
  })
}

const HELLO = [
  delta({ role: 'assistant', content: '' }),
  delta({ content: 'Grüße ' }),
  delta({ content: '🎉' }),
  delta({}, 'stop'),
  usageEnd(12, 2),
]

describe('an upstream in the same machine', () => {
  test('answers with its own counts, and is asked for everything in so many words', async () => {
    server.chunks = HELLO
    const result = await answer(engine, {
      messages: user('Hi'),
      seed: 7,
      stop: ['END'],
      owner: 'channel-1',
      form: { kind: 'schema', name: 'x', schema: { type: 'object' } },
    })
    expect(result).toMatchObject({
      text: 'Grüße 🎉',
      finish: 'stop',
      inputTokens: 12,
      outputTokens: 2,
    })
    expect(server.seen.at(-1)).toEqual({
      path: '/v1/chat/completions',
      body: {
        model: UPSTREAM_MODEL,
        messages: [{ role: 'user', content: 'Hi' }],
        max_tokens: 100,
        temperature: 0,
        top_p: 1,
        frequency_penalty: 0,
        presence_penalty: 0,
        n: 1,
        stream: true,
        stream_options: { include_usage: true },
        seed: 7,
        stop: ['END'],
        cache_salt: 'channel-1',
        response_format: {
          type: 'json_schema',
          json_schema: { name: 'x', schema: { type: 'object' }, strict: true },
        },
      },
    })
  })

  test('E10 cache_salt_per_tenant: SGLang is salted like vLLM, and what keeps no prefixes is not', async () => {
    for (const [kind, prefixCache, salt] of [
      ['sglang', 'salted', 'channel-1'],
      ['tgi', 'off', undefined],
    ] as const) {
      const other = await connect({ kind, prefixCache })
      server.chunks = HELLO
      await answer(other, { messages: user('Hi'), owner: 'channel-1' })
      expect(server.seen.at(-1)?.body['cache_salt']).toBe(salt)
      await other.close()
    }
  })

  test('N6 sse_split_at_every_byte: pieces are the same wherever the stream is cut', async () => {
    const bytes = Buffer.from(HELLO.join(''))
    const crlf = Buffer.from(`: ping\n\n${HELLO.join('').replaceAll('\n', '\r\n')}`)
    for (const stream of [bytes, crlf]) {
      server.chunks = Array.from(stream, (byte) => Uint8Array.of(byte))
      const { pieces } = await answer(engine, { messages: user('Hi') })
      expect(pieces).toEqual(['Grüße ', '🎉'])
    }
  })

  test('calls tools piece by piece', async () => {
    const call = (value: object): string => delta({ tool_calls: [{ index: 0, ...value }] })
    server.chunks = [
      call({ id: 'call_1', type: 'function', function: { name: 'add', arguments: '' } }),
      call({ function: { arguments: '{"a":' } }),
      call({ function: { arguments: '1}' } }),
      delta({
        tool_calls: [{ index: 1, id: 'call_2', function: { name: 'add', arguments: '{}' } }],
      }),
      delta({}, 'tool_calls'),
      usageEnd(12, 9),
    ]
    const tools = [{ name: 'add' }]
    expect(await answer(engine, { messages: user('1 + 1'), tools })).toMatchObject({
      finish: 'tool_calls',
      calls: [
        { name: 'add', arguments: '{"a":1}' },
        { name: 'add', arguments: '{}' },
      ],
    })
  })

  test('E6 weights_state_never_defaults: declared, whatever the upstream is', () => {
    expect(engine.descriptor).toMatchObject({
      state: 'declared',
      engine: 'vllm',
      id: UPSTREAM_MODEL,
    })
  })

  const unsound: readonly (readonly [string, readonly string[]])[] = [
    ['no end', [delta({ content: 'a' }), usageEnd(12, 1)]],
    ['no usage', [delta({ content: 'a' }, 'stop'), 'data: [DONE]\n\n']],
    ['no [DONE]', [delta({ content: 'a' }, 'stop'), frame([], {})]],
    ['more tokens than asked for', [delta({ content: 'a' }, 'length'), usageEnd(12, 101)]],
    ['other prompt tokens than were counted', [delta({ content: 'a' }, 'stop'), usageEnd(13, 1)]],
    ['a negative count', [delta({ content: 'a' }, 'stop'), usageEnd(-1, 1)]],
    [
      'another model',
      [delta({ content: 'a' }, 'stop').replace(UPSTREAM_MODEL, 'other'), usageEnd(12, 1)],
    ],
    ['a part after the end', [delta({}, 'stop'), delta({ content: 'a' }), usageEnd(12, 1)]],
    ['a part that would be lost', [delta({ reasoning_content: SECRET }), ...HELLO]],
    ['a second choice', [frame([{ index: 1, delta: { content: 'a' } }]), ...HELLO]],
    [
      'calls out of order',
      [delta({ tool_calls: [{ index: 1, id: 'x', function: { name: 'a' } }] })],
    ],
    ['no JSON', [`data: ${SECRET}\n\n`]],
    ['no UTF-8', ['data: ', '\ud800', '\n\n']],
  ]
  test.each(unsound)('is not believed: %s', async (_, chunks) => {
    server.chunks = chunks.map((chunk) => (chunk === '\ud800' ? Uint8Array.of(0xff, 0xfe) : chunk))
    const error: unknown = await answer(engine, { messages: user('Hi') }).catch((e: unknown) => e)
    expect(error).toMatchObject({ code: 'ENGINE_FAILED' })
    expect(String(error)).not.toContain(SECRET)
  })

  test.each([
    [400, 'ENGINE_FAILED'],
    [429, 'ENGINE_BUSY'],
    [500, 'ENGINE_FAILED'],
    [503, 'ENGINE_BUSY'],
    [302, 'ENGINE_FAILED'],
  ])('a %i is %s, without what it says', async (status, code) => {
    const prepared = await engine.prepare({ kind: 'chat', messages: user(SECRET), tools: [] })
    server.status = status
    const stream = prepared.generate({ maxTokens: 5 }, new AbortController().signal)
    const error: unknown = await collect(stream).catch((e: unknown) => e)
    expect(error).toMatchObject({ code })
    expect(String(error)).not.toContain(SECRET)
  })

  test('E4 an abort ends the request there at once, with the counts of what was delivered', async () => {
    server.chunks = HELLO.slice(0, 3)
    server.hang = true
    const abort = new AbortController()
    const stream = await generate(engine, { messages: user('Hi') }, abort.signal)
    await stream.next()
    await stream.next()
    abort.abort()
    expect((await stream.next()).value).toEqual({
      finish: 'aborted',
      inputTokens: 12,
      outputTokens: 2,
    })
    await expect.poll(() => server.left).toBe(1)
  })

  test('a reader that leaves ends the request there', async () => {
    server.chunks = HELLO.slice(0, 3)
    server.hang = true
    const stream = await generate(engine, { messages: user('Hi') })
    await stream.next()
    await stream.return({ finish: 'aborted', inputTokens: 0, outputTokens: 0 })
    await expect.poll(() => server.left).toBe(1)
  })

  test('a prompt that is too long is refused before it is sent', async () => {
    server.tokens = 4096
    const prompt = user('x'.repeat(5000))
    await expect(answer(engine, { messages: prompt })).rejects.toMatchObject({
      code: 'PROMPT_TOO_LONG',
    })
    expect(server.seen.map(({ path }) => path)).toEqual(['/v1/models', '/tokenize'])
  })

  test('vectors come in order, with a count that can be', async () => {
    const prepared = await engine.prepareEmbeddings(['a', 'b'])
    const embed = (): Promise<unknown> => prepared.embed(new AbortController().signal)
    const data = [
      { index: 0, embedding: [3, 4] },
      { index: 1, embedding: [0, 2] },
    ]
    server.embeddings = { data, usage: { prompt_tokens: 2 } }
    expect(await embed()).toEqual({
      vectors: [
        [0.6, 0.8],
        [0, 1],
      ],
      inputTokens: 2,
    })
    for (const changed of [
      { data: data.toReversed(), usage: { prompt_tokens: 2 } },
      { data: data.slice(1), usage: { prompt_tokens: 2 } },
      { data, usage: { prompt_tokens: 1_000 } },
    ]) {
      server.embeddings = changed
      await expect(embed()).rejects.toMatchObject({ code: 'ENGINE_FAILED' })
    }
  })

  test('another model, or a smaller context, refuses the start', async () => {
    await expect(connect({ model: 'other' })).rejects.toMatchObject({ code: 'UPSTREAM_MISMATCH' })
    await expect(connect({ contextTokens: 5000 })).rejects.toMatchObject({
      code: 'UPSTREAM_MISMATCH',
    })
  })

  test('one more than its places is refused before anybody is charged', () => {
    const admission = engine.admit(2)
    expect(() => engine.admit(1)).toThrow(expect.objectContaining({ code: 'ENGINE_BUSY' }))
    admission.release()
    engine.admit(2).release()
  })
})

test('E7 upstream_host_lookalikes_rejected: only loopback and single labels, with a port', () => {
  const inside = [
    'http://127.0.0.1:8000',
    'http://[::1]:8000',
    'http://localhost:8000',
    'http://vllm:8000',
  ]
  for (const url of inside) expect([url, isInsideUrl(url)]).toEqual([url, true])
  const outside = [
    'https://api.openai.com:443',
    'http://vllm.attacker.example:8000',
    'http://10.0.0.5:8000',
    'http://127.0.0.1.attacker.example:80',
    'http://user@vllm:8000',
    'http://vllm:8000/',
    'http://vllm:8000/v1',
    'http://vllm',
    'http://0x7f000001:8000',
    'http://VLLM:8000',
    'file:///etc/passwd',
    'vllm:8000',
  ]
  for (const url of outside) expect([url, isInsideUrl(url)]).toEqual([url, false])
})
