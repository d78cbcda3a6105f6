import fc from 'fast-check'
import {
  FINISH_CODES,
  isPromptPath,
  PROMPT_ENDPOINTS,
  utf8,
  type PromptPath,
} from '@jeju/verifier/protocol'
import { EngineError } from '../../enclave/src/engine/engine-error.ts'
import { afterAll, describe, expect, test } from 'vitest'
import { PROMPT_APIS } from '../../enclave/src/api/prompt-apis.ts'
import { Places } from '../../enclave/src/engine/places.ts'
import { NodeError } from '../../enclave/src/http/node-error.ts'
import { MODEL, ScriptedEngine } from './setting/scripted-engine.ts'
import { cleanUp, startNode, until } from './setting/start-node.ts'
import { chatBody, errorOf, readJsonAnswer, readStreamAnswer } from './setting/test-client.ts'

afterAll(cleanUp)

const PATHS = Object.keys(PROMPT_ENDPOINTS).filter(isPromptPath)
const STREAMED = PATHS.filter((path) => PROMPT_ENDPOINTS[path] !== undefined)
const messages = [{ role: 'user', content: 'Wie geht es?' }]

/** A good body for each endpoint. */
const BODIES: Readonly<Record<PromptPath, Readonly<Record<string, unknown>>>> = {
  '/v1/chat/completions': { model: MODEL, messages },
  '/v1/completions': { model: MODEL, prompt: 'Wie geht es?' },
  '/v1/embeddings': { model: MODEL, input: 'Wie geht es?' },
  '/v1/responses': { model: MODEL, input: 'Wie geht es?' },
  '/v1/messages': { model: MODEL, max_tokens: 32, messages },
}

function body(path: PromptPath, members: object = {}): string {
  return JSON.stringify({ ...BODIES[path], ...members })
}

function refusalOf(path: PromptPath, text: string | Uint8Array): string {
  try {
    PROMPT_APIS[path].parse(typeof text === 'string' ? utf8(text) : text)
    return 'accepted'
  } catch (error) {
    if (error instanceof NodeError) return error.code
    throw error
  }
}

describe.each(PATHS)('POST %s', (path) => {
  test('N2 missing_header_is_402, and another path’s authorisation is no authorisation', async () => {
    const { client, fetch, engine } = await startNode()
    const text = body(path)
    const init = { method: 'POST', body: text }
    expect((await fetch(new Request(`http://node.test${path}`, init))).status).toBe(402)
    const other = PATHS.find((one) => one !== path) ?? path
    const elsewhere = client.request(text, client.sign(text, { path: other }), path)
    expect(await errorOf(await fetch(elsewhere))).toMatchObject({ code: 'request_hash_mismatch' })
    expect(engine.requests).toEqual([])
    const get = await fetch(new Request(`http://node.test${path}`))
    expect(await errorOf(get)).toMatchObject({ status: 405 })
  })

  test('E17 receipt_commits_to_bytes: of a whole answer', async () => {
    const { client, fetch } = await startNode()
    const { signed, request } = client.to(path, body(path))
    const response = await fetch(request)
    expect(response.status).toBe(200)
    const { receipt, responseHash, text } = await readJsonAnswer(response, signed.salt)
    expect(receipt.receipt).toMatchObject({ responseHash, finish: FINISH_CODES.stop })
    const { usage } = JSON.parse(text) as { usage: Record<string, number> }
    expect(usage['prompt_tokens'] ?? usage['input_tokens']).toBe(receipt.receipt.inputTokens)
    expect(usage['completion_tokens'] ?? usage['output_tokens'] ?? 0).toBe(
      receipt.receipt.outputTokens,
    )
  })

  test('E19 strict_decoding_table: what is no such request is refused', () => {
    const texts = [
      '',
      '[]',
      'null',
      '{',
      '{}',
      `${body(path)}x`,
      body(path).replace('{', '{"model":"x",'),
    ]
    for (const text of texts)
      expect([text, refusalOf(path, text)]).toEqual([text, 'invalid_request'])
    expect(refusalOf(path, Uint8Array.of(0x22, 0xff, 0x22))).toBe('invalid_request')
    expect(refusalOf(path, body(path))).toBe('accepted')
    for (const name of ['anything', '__proto__', 'best_of', 'audio', 'provider_options']) {
      const text = body(path).replace('{', `{"${name}":7,`)
      expect([name, refusalOf(path, text)]).toEqual([name, 'unsupported_field'])
    }
  })

  test('any JSON is accepted or refused with a code', () => {
    const names = fc.constantFrom(...Object.keys(BODIES[path]), 'stream', 'tools', 'n', 'stop')
    const members = fc.dictionary(fc.oneof(names, fc.string()), fc.jsonValue())
    fc.assert(
      fc.property(members, (changes) => {
        expect(typeof refusalOf(path, body(path, changes))).toBe('string')
      }),
      { numRuns: 50 },
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(refusalOf(path, bytes)).not.toBe('accepted')
      }),
      { numRuns: 50 },
    )
  })
})

describe.each(STREAMED)('a stream of %s', (path) => {
  const kind = PROMPT_ENDPOINTS[path] ?? 'chat'
  const text = body(path, { stream: true })

  test('E15 stream_signed_before_done: the receipt covers everything before it', async () => {
    const { client, fetch } = await startNode()
    const { signed, request } = client.to(path, text)
    const { receipt, responseHash, covered } = await readStreamAnswer(
      await fetch(request),
      signed.salt,
      kind,
    )
    expect(receipt.receipt).toMatchObject({ responseHash, outputTokens: 5 })
    expect(covered).toContain('Grüße')
  })

  test.each([0, 1, 2, 4])('N2 abort_at_every_frame_settles: after frame %i', async (count) => {
    const running = await startNode()
    const { client, fetch, chain, node, engine } = running
    const { request } = client.to(path, text)
    const reader = (await fetch(request)).body?.getReader()
    for (let frame = 0; frame < count; frame++) await reader?.read()
    await reader?.cancel()
    await until(() => engine.ends.length > 0)
    await node.drain()
    const [item] = chain.settlements.flat()
    expect(item?.receipt.finish).toBe(FINISH_CODES.aborted)
    expect(item?.receipt.outputTokens).toBeLessThanOrEqual(count)
  })
})

test('N2 abort_at_every_frame_settles: embeddings are owed whoever leaves before they are there', async () => {
  const { client, fetch, chain, node, engine } = await startNode()
  const leaving = new AbortController()
  const prepare = engine.prepareEmbeddings.bind(engine)
  engine.prepareEmbeddings = async (texts) => {
    const prepared = await prepare(texts)
    const embed = prepared.embed.bind(prepared)
    return {
      ...prepared,
      embed: async (signal) => {
        leaving.abort()
        await new Promise((resolve) => setTimeout(resolve, 20))
        // As an engine does whose work is called off.
        if (signal.aborted) throw new EngineError('ENGINE_FAILED', 'aborted')
        return embed(signal)
      },
    }
  }
  const { request } = client.to('/v1/embeddings', body('/v1/embeddings'))
  await fetch(new Request(request, { signal: leaving.signal }))
  await node.drain()
  const [item] = chain.settlements.flat()
  expect(item?.receipt).toMatchObject({ inputTokens: 12, outputTokens: 0 })
})

describe('several answers', () => {
  test('come in one stream, each with its role first and its own end, and are charged together', async () => {
    const { client, fetch } = await startNode()
    const text = chatBody({ stream: true, n: 3, stream_options: { include_usage: true } })
    const signed = client.sign(text)
    const { receipt, covered } = await readStreamAnswer(
      await fetch(client.request(text, signed)),
      signed.salt,
    )
    const chunks = covered
      .split('\n\n')
      .filter((frame) => frame !== '')
      .map((frame) => JSON.parse(frame.slice('data: '.length)) as Chunk)
    for (const index of [0, 1, 2]) {
      const own = chunks.flatMap(({ choices }) => choices.filter((one) => one.index === index))
      expect(own[0]?.delta).toEqual({ role: 'assistant', content: '' })
      expect(own.map(({ delta }) => delta.content ?? '').join('')).toBe(
        'Ja, gern. Grüße aus dem TD 🎉',
      )
      expect(own.filter(({ finish_reason: finish }) => finish !== null)).toHaveLength(1)
      expect(own.at(-1)?.finish_reason).toBe('stop')
    }
    expect(receipt.receipt).toMatchObject({ inputTokens: 5, outputTokens: 15 })
  })

  test('are bounded together by the price', async () => {
    const { client, fetch, engine } = await startNode()
    expect((await fetch(client.request(chatBody({ n: 8 })))).status).toBe(200)
    expect(engine.requests.map(({ maxTokens }) => maxTokens)).toEqual(Array(8).fill(8))
  })
})

interface Chunk {
  readonly choices: readonly {
    readonly index: number
    readonly delta: { readonly content?: string; readonly role?: string }
    readonly finish_reason: string | null
  }[]
}

describe('what cannot be done', () => {
  const needs: readonly (readonly [PromptPath, object, string])[] = [
    ['/v1/chat/completions', { logprobs: true }, 'logprobs'],
    ['/v1/chat/completions', { response_format: { type: 'json_object' } }, 'response_format'],
    ['/v1/chat/completions', { tools: [{ type: 'function', function: { name: 'a' } }] }, 'tools'],
    ['/v1/chat/completions', { presence_penalty: 1 }, 'presence_penalty'],
    ['/v1/completions', {}, 'prompt'],
    ['/v1/embeddings', {}, 'input'],
    ['/v1/responses', { text: { format: { type: 'json_object' } } }, 'text.format'],
    ['/v1/messages', { tools: [{ name: 'a', input_schema: {} }] }, 'tools'],
  ]
  test.each(needs)(
    '%s %j is refused as %s, and burns no authorisation',
    async (path, members, field) => {
      const { client, fetch, engine } = await startNode()
      engine.features = new Set()
      const { signed, request } = client.to(path, body(path, members))
      const { code, param } = await refusedAs(await fetch(request), path)
      expect([code, param]).toEqual(['unsupported_field', field])
      engine.features = new ScriptedEngine().features
      engine.features.add('penalties')
      expect((await fetch(client.request(body(path, members), signed, path))).status).toBe(200)
    },
  )

  test('a busy engine burns no authorisation', async () => {
    const { client, fetch, engine } = await startNode()
    engine.places = new Places(2)
    const text = chatBody({ n: 3 })
    const signed = client.sign(text)
    const busy = await errorOf(await fetch(client.request(text, signed)))
    expect(busy).toMatchObject({ status: 429, code: 'engine_busy' })
    engine.places = new Places(3)
    expect((await fetch(client.request(text, signed))).status).toBe(200)
    expect(engine.admitted).toBe(0)
  })

  test('a choice among tools that are not offered, and a name given twice', () => {
    const tool = { type: 'function', function: { name: 'a' } }
    const chat = '/v1/chat/completions'
    expect(refusalOf(chat, body(chat, { tool_choice: 'required' }))).toBe('invalid_request')
    expect(refusalOf(chat, body(chat, { tools: [tool, tool] }))).toBe('invalid_request')
    const named = { type: 'function', function: { name: 'b' } }
    expect(refusalOf(chat, body(chat, { tools: [tool], tool_choice: named }))).toBe(
      'invalid_request',
    )
    expect(refusalOf(chat, body(chat, { top_logprobs: 2 }))).toBe('invalid_request')
  })

  test('a picture that would have to be fetched is refused', () => {
    const chat = '/v1/chat/completions'
    const part = { type: 'image_url', image_url: { url: 'https://attacker.example/pixel.png' } }
    const text = body(chat, { messages: [{ role: 'user', content: [part] }] })
    expect(refusalOf(chat, text)).toBe('invalid_request')
  })
})

async function refusedAs(
  response: Response,
  path: PromptPath,
): Promise<{ readonly code: string; readonly param: string | null }> {
  expect(response.status).toBe(400)
  const document = (await response.json()) as {
    type?: string
    error: { code: string; param: string }
  }
  expect(document.type).toBe(path === '/v1/messages' ? 'error' : undefined)
  return document.error
}

describe('limits', () => {
  test('N7 rate_limit_retry_after: a wallet that asks too often waits, others do not', async () => {
    const { client, fetch, clock } = await startNode({
      config: { walletLimits: { requestsPerMinute: 2, concurrent: 8 } },
    })
    const ask = async (): Promise<Response> => fetch(client.request(chatBody()))
    expect((await ask()).status).toBe(200)
    expect((await ask()).status).toBe(200)
    const refused = await ask()
    expect(refused.headers.get('retry-after')).toBe('30')
    expect(await errorOf(refused)).toMatchObject({ status: 429, code: 'rate_limited' })
    clock.pass(31)
    expect((await ask()).status).toBe(200)
  })

  test('N7 a wallet has so many requests under way, and a place again when one ends', async () => {
    const { client, fetch, engine } = await startNode({
      config: { walletLimits: { requestsPerMinute: 100, concurrent: 1 } },
    })
    engine.holdAt = 1
    const first = await fetch(client.request(chatBody({ stream: true })))
    const refused = await errorOf(await fetch(client.request(chatBody())))
    expect(refused).toMatchObject({ status: 429, code: 'rate_limited' })
    await first.body?.cancel()
    engine.holdAt = undefined
    await until(async () => (await fetch(client.request(chatBody()))).status === 200)
  })
})
