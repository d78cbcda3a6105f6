import { documentDigest } from '@jeju/verifier/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Engine, GenerateRequest } from '../../../enclave/src/engine/engine.ts'
import {
  connectUpstreamEngine,
  type UpstreamOptions,
} from '../../../enclave/src/engine/upstream/upstream-engine.ts'
import { answer, generate, user } from './run-engine.ts'
import { frame, serveVllm, UPSTREAM_MODEL, usageEnd, type VllmServer } from './vllm-server.ts'

// Streams as the servers of three vendors write them, with what each has of its own.

const SECRET = 'canary-51aa'
const TOOLS = [{ name: 'weather' }, { name: 'time' }]

let server: VllmServer
let engine: Engine | undefined
beforeEach(async () => {
  server = await serveVllm()
})
afterEach(async () => {
  await engine?.close()
  engine = undefined
  await server.close()
})

async function connect(kind: UpstreamOptions['kind']): Promise<Engine> {
  engine = await connectUpstreamEngine({
    url: server.url,
    model: UPSTREAM_MODEL,
    kind,
    weightsSha256: documentDigest('weights'),
    chatTemplateSha256: documentDigest('template'),
    quantization: 'FP8',
    contextTokens: 4096,
    features: ['tools', 'logprobs', 'completions'],
    prefixCache: kind === 'tgi' ? 'off' : 'salted',
    maxAnswers: 2,
  })
  return engine
}

async function answerOf(
  kind: UpstreamOptions['kind'],
  chunks: readonly string[],
  request: Partial<GenerateRequest> = {},
): ReturnType<typeof answer> {
  server.chunks = chunks
  return answer(await connect(kind), { messages: user('Hi'), tools: TOOLS, ...request })
}

describe('vLLM', () => {
  const choice = (delta: object, finish: string | null = null, more: object = {}): string =>
    frame([{ index: 0, delta, logprobs: null, finish_reason: finish, token_ids: null, ...more }], {
      system_fingerprint: null,
      prompt_token_ids: null,
    })

  test('the role alone, comments that keep a connection, an empty end, and counts by themselves', async () => {
    const chunks = [
      choice({ role: 'assistant' }),
      ': ping\n\n',
      choice({ content: 'Guten ', reasoning_content: null }),
      ': ping\r\n\r\n',
      choice({ content: 'Tag' }),
      choice({ content: '' }, 'stop', { stop_reason: null }),
      usageEnd(12, 2),
    ]
    expect(await answerOf('vllm', chunks)).toMatchObject({
      text: 'Guten Tag',
      finish: 'stop',
      inputTokens: 12,
      outputTokens: 2,
    })
  })

  test('counts on the way are replaced by those of the end', async () => {
    const usage = { prompt_tokens: 12, total_tokens: 13, completion_tokens: 1 }
    const chunks = [
      frame([{ index: 0, delta: { content: 'a' } }], { usage }),
      choice({ content: 'b' }, 'length'),
      usageEnd(12, 2),
    ]
    expect(await answerOf('vllm', chunks)).toMatchObject({ finish: 'length', outputTokens: 2 })
  })

  test('two calls, each with its name first and its arguments in pieces', async () => {
    const call = (index: number, id: string | undefined, name: string | undefined, text: string) =>
      choice({
        tool_calls: [
          {
            index,
            ...(id === undefined ? {} : { id, type: 'function' }),
            function: { ...(name === undefined ? {} : { name }), arguments: text },
          },
        ],
      })
    const chunks = [
      choice({ role: 'assistant', content: null }),
      call(0, 'chatcmpl-tool-1', 'weather', ''),
      call(0, undefined, undefined, '{"city":'),
      call(0, undefined, undefined, '"Bonn"}'),
      call(1, 'chatcmpl-tool-2', 'time', '{}'),
      choice({}, 'tool_calls'),
      usageEnd(12, 20),
    ]
    const result = await answerOf('vllm', chunks)
    expect(result.calls).toEqual([
      { name: 'weather', arguments: '{"city":"Bonn"}' },
      { name: 'time', arguments: '{}' },
    ])
    expect(result.finish).toBe('tool_calls')
  })

  test('a call that was asked for by name ends with stop there, and is a call all the same', async () => {
    const tool_calls = [
      { index: 0, id: 'x', type: 'function', function: { name: 'time', arguments: '{}' } },
    ]
    const chunks = [choice({ tool_calls }), choice({}, 'stop'), usageEnd(12, 3)]
    const result = await answerOf('vllm', chunks, { toolChoice: { name: 'time' } })
    expect(result.finish).toBe('tool_calls')
  })

  test('the stop string that ended an answer is named', async () => {
    const chunks = [choice({ content: 'a' }, 'stop', { stop_reason: 'END' }), usageEnd(12, 2)]
    expect(await answerOf('vllm', chunks, { stop: ['END'] })).toMatchObject({ stopString: 'END' })
  })

  test.each([
    ['an error', `data: {"error":{"message":"${SECRET}","code":400}}\n\ndata: [DONE]\n\n`],
    ['an error of old', `data: {"object":"error","message":"${SECRET}","code":400}\n\n`],
    ['an event of another name', `event: error\ndata: ${SECRET}\n\n`],
  ])('%s in a stream of status 200 fails the answer, without what it says', async (_, text) => {
    const failing = answerOf('vllm', [choice({ content: 'a' }), text])
    const error: unknown = await failing.catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'ENGINE_FAILED' })
    expect(String(error)).not.toContain(SECRET)
  })

  test('a server that dies in the middle of an answer fails it', async () => {
    server.chunks = [choice({ content: 'a' })]
    server.hang = true
    const stream = await generate(await connect('vllm'), { messages: user('Hi') })
    expect((await stream.next()).value).toMatchObject({ text: 'a' })
    const next = stream.next()
    await server.close()
    await expect(next).rejects.toMatchObject({ code: 'ENGINE_FAILED' })
    server = await serveVllm()
  })
})

describe('SGLang', () => {
  const choice = (delta: object, finish: string | null = null, matched: unknown = null): string =>
    frame(
      [
        {
          index: 0,
          delta: {
            role: null,
            content: null,
            reasoning_content: null,
            tool_calls: null,
            ...delta,
          },
          logprobs: null,
          finish_reason: finish,
          matched_stop: matched,
        },
      ],
      { usage: null },
    )

  test('an answer with its own end', async () => {
    const chunks = [
      choice({ role: 'assistant', content: '' }),
      choice({ content: 'Guten Tag' }),
      choice({}, 'stop', 151_645),
      usageEnd(12, 3),
    ]
    const result = await answerOf('sglang', chunks, { stop: ['END'] })
    expect(result).toMatchObject({ text: 'Guten Tag', finish: 'stop', outputTokens: 3 })
    expect(result.stopString).toBeUndefined()
  })

  test('the stop string that ended an answer is named', async () => {
    const chunks = [choice({ content: 'a' }), choice({}, 'stop', 'END'), usageEnd(12, 2)]
    expect(await answerOf('sglang', chunks, { stop: ['END'] })).toMatchObject({
      stopString: 'END',
    })
  })

  test('a call whose pieces repeat its id', async () => {
    const call = (name: string | null, text: string): string =>
      choice({
        tool_calls: [
          { id: 'call_1', index: 0, type: 'function', function: { name, arguments: text } },
        ],
      })
    const chunks = [
      call('weather', ''),
      call(null, '{"city":"Bonn"}'),
      choice({}, 'tool_calls'),
      usageEnd(12, 9),
    ]
    expect((await answerOf('sglang', chunks)).calls).toEqual([
      { name: 'weather', arguments: '{"city":"Bonn"}' },
    ])
  })
})

describe('TGI', () => {
  const choice = (content: string, finish: string | null = null): string =>
    frame(
      [{ index: 0, delta: { role: 'assistant', content }, logprobs: null, finish_reason: finish }],
      { system_fingerprint: '3.3.4-native', usage: null },
    )

  test('is asked for nothing that it refuses or reads as something else', async () => {
    await answerOf('tgi', [choice('a', 'length'), usageEnd(12, 1)])
    const { body } = server.seen.at(-1) ?? { body: {} }
    // It takes no top_p of 1, and a presence penalty of 0 as a repetition penalty of 2.
    expect(body).not.toHaveProperty('top_p')
    expect(body).not.toHaveProperty('presence_penalty')
    expect(body).not.toHaveProperty('frequency_penalty')
    expect(body).not.toHaveProperty('cache_salt')
    expect(body).toMatchObject({ model: UPSTREAM_MODEL, temperature: 0, max_tokens: 100 })
    await engine?.close()
    await answerOf('tgi', [choice('a', 'length'), usageEnd(12, 1)], { topP: 0.5 })
    expect(server.seen.at(-1)?.body).toMatchObject({ top_p: 0.5 })
  })

  test.each([
    ['eos_token', 'stop'],
    ['stop', 'stop'],
    ['stop_sequence', 'stop'],
    ['length', 'length'],
  ])('%s ends as %s', async (finish, expected) => {
    const result = await answerOf('tgi', [choice('Hallo'), choice('', finish), usageEnd(12, 2)])
    expect(result.finish).toBe(expected)
  })

  test('the stop string that it hands out is not handed on, however it is cut', async () => {
    const chunks = [
      choice('Hallo EN'),
      choice('D'),
      choice(' mehr', 'stop_sequence'),
      usageEnd(12, 4),
    ]
    expect(await answerOf('tgi', chunks, { stop: ['END'] })).toMatchObject({
      text: 'Hallo ',
      finish: 'stop',
      stopString: 'END',
      outputTokens: 4,
    })
  })

  test('what only begins as one is handed on', async () => {
    const chunks = [choice('Hallo EN'), choice('', 'eos_token'), usageEnd(12, 2)]
    const result = await answerOf('tgi', chunks, { stop: ['END'] })
    expect(result.text).toBe('Hallo EN')
    expect(result.stopString).toBeUndefined()
  })
})
