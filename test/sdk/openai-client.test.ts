import { NotVerified } from '@jeju/sdk'
import OpenAI, { APIError } from 'openai'
import { afterEach, describe, expect, test } from 'vitest'
import { Market } from './market/market.ts'
import { serveGateway } from './market/test-gateway.ts'
import { ANSWER_TEXT, refusal } from './market/test-node.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()))
})

/** An OpenAI client as users have it, with its own retries, over real sockets. */
async function connect(options: { cutAfter?: number } = {}): Promise<{
  market: Market
  openai: OpenAI
}> {
  const market = new Market()
  const gateway = await serveGateway(market.gateway, options)
  closing.push(() => gateway.close())
  const verified = market.fetchWith({ gateway: gateway.url, transport: fetch })
  const baseURL = `${gateway.url}/v1`
  return { market, openai: new OpenAI({ apiKey: 'unused', baseURL, fetch: verified }) }
}

const QUESTION = {
  model: 'enclave-mini',
  messages: [{ role: 'user', content: 'Grüß Gott' }],
  max_tokens: 32,
} satisfies OpenAI.ChatCompletionCreateParamsNonStreaming

async function read(openai: OpenAI): Promise<string> {
  let text = ''
  const stream = await openai.chat.completions.create({ ...QUESTION, stream: true })
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
  return text
}

describe('an OpenAI client with the verified fetch', () => {
  test('completes, streams and lists models', async () => {
    const { openai, market } = await connect()
    const completion = await openai.chat.completions.create(QUESTION)
    expect(completion.choices[0]?.message.content).toBe(ANSWER_TEXT)
    expect(await read(openai)).toBe(ANSWER_TEXT)
    expect((await openai.models.list()).data).toEqual([])
    expect(market.eventsOf('receipt-verified')).toHaveLength(2)
    expect(market.gateway.seen.some(({ headers }) => headers.has('authorization'))).toBe(false)
  })

  test('T2 is thrown NotVerified for a changed answer, and does not pay for it again', async () => {
    const { openai, market } = await connect()
    market.gateway.changeAnswer = (answer) => ({ ...answer, headers: {} })
    await expect(openai.chat.completions.create(QUESTION)).rejects.toBeInstanceOf(NotVerified)
    expect(market.gateway.chats).toHaveLength(1)
    market.gateway.changeAnswer = (answer) => ({ ...answer, chunks: answer.chunks.slice(0, -2) })
    await expect(read(openai)).rejects.toBeInstanceOf(NotVerified)
    expect(market.gateway.chats).toHaveLength(2)
  })

  test.each([0, 1, 300, 1500])('a connection cut after %i bytes', async (cutAfter) => {
    const { openai, market } = await connect({ cutAfter })
    await expect(read(openai)).rejects.toBeInstanceOf(NotVerified)
    await expect(openai.chat.completions.create(QUESTION)).rejects.toBeInstanceOf(NotVerified)
    expect(market.gateway.chats).toHaveLength(2)
  })

  test('an unverified provider is the cause of its connection error, and nothing was sent', async () => {
    const { openai, market } = await connect()
    market.gateway.changeEvidence = () => new Uint8Array(3)
    const error: unknown = await openai.chat.completions
      .create(QUESTION, { maxRetries: 0 })
      .catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(APIError)
    expect(error instanceof Error ? error.cause : undefined).toBeInstanceOf(NotVerified)
    expect(market.gateway.chats).toHaveLength(0)
  })

  test.each([429, 500, 503])('a %i after an authorisation is not repeated', async (status) => {
    const { openai, market } = await connect()
    market.gateway.changeAnswer = () => refusal(status, 'overloaded')
    await expect(openai.chat.completions.create(QUESTION)).rejects.toMatchObject({ status })
    expect(market.gateway.chats).toHaveLength(1)
  })

  test('a client that stops reading ends the exchange without an error', async () => {
    const { openai } = await connect()
    const stream = await openai.chat.completions.create({ ...QUESTION, stream: true })
    for await (const chunk of stream) {
      expect(chunk.model).toBe('enclave-mini')
      break
    }
  })
})
