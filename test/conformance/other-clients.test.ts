import Anthropic from '@anthropic-ai/sdk'
import { generateText, jsonSchema, streamText, tool } from 'ai'
import { describe, expect, test } from 'vitest'
import { ANSWER, CITY, GREEDY, model, QUESTION, useClients, WEATHER } from './setting/clients.ts'

const SAMPLED = { top_k: 3 }

const clients = useClients()

describe('the Anthropic client, unmodified', () => {
  const messages = (content: string): Anthropic.MessageParam[] => [{ role: 'user', content }]

  test('gets a message, and the receipt says what the usage says', async () => {
    const message = await clients.anthropic().messages.create({
      model,
      max_tokens: 60,
      ...GREEDY,
      messages: messages(QUESTION),
    })
    expect(message.content).toEqual([{ type: 'text', text: ANSWER }])
    expect(message.stop_reason).toBe('end_turn')
    expect(clients.receipts().at(-1)).toMatchObject({
      inputTokens: message.usage.input_tokens,
      outputTokens: message.usage.output_tokens,
    })
  })

  test('streams text to a stop sequence, and the use of a tool', async () => {
    const anthropic = clients.anthropic()
    const stream = anthropic.messages.stream({
      model,
      max_tokens: 60,
      ...GREEDY,
      stop_sequences: [' ='],
      messages: messages(QUESTION),
    })
    const message = await stream.finalMessage()
    expect(message).toMatchObject({
      content: [{ type: 'text', text: '7 * 8' }],
      stop_reason: 'stop_sequence',
      stop_sequence: ' =',
    })
    const used = await anthropic.messages
      .stream({
        model,
        max_tokens: 60,
        ...GREEDY,
        messages: messages(WEATHER),
        tools: [{ name: 'get_weather', description: 'get weather', input_schema: CITY }],
        tool_choice: { type: 'any' },
      })
      .finalMessage()
    expect(used).toMatchObject({
      content: [{ type: 'tool_use', name: 'get_weather', input: { city: 'Paris' } }],
      stop_reason: 'tool_use',
    })
  })

  test('reads errors in its own form', async () => {
    const refused: unknown = await clients
      .anthropic()
      .messages.create({ model, max_tokens: 5, ...SAMPLED, messages: messages('x') })
      .catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(Anthropic.BadRequestError)
    expect(refused).toMatchObject({
      error: {
        type: 'error',
        error: { type: 'invalid_request_error', code: 'unsupported_field', param: 'top_k' },
      },
    })
  })
})

test('the Vercel AI SDK generates, streams and calls a tool', async () => {
  const chat = clients.vercel()
  const { text, usage } = await generateText({ model: chat, prompt: QUESTION, temperature: 0 })
  expect(text).toBe(ANSWER)
  expect(clients.receipts().at(-1)).toMatchObject({ inputTokens: usage.inputTokens })
  const stream = streamText({ model: chat, prompt: QUESTION, temperature: 0 })
  let streamed = ''
  for await (const piece of stream.textStream) streamed += piece
  expect(streamed).toBe(ANSWER)
  const { toolCalls } = await generateText({
    model: chat,
    prompt: WEATHER,
    temperature: 0,
    tools: {
      get_weather: tool({ description: 'get weather', inputSchema: jsonSchema(CITY) }),
    },
  })
  expect(toolCalls).toMatchObject([{ toolName: 'get_weather', input: { city: 'Paris' } }])
})

test('LangChain invokes, streams and gets structured output', async () => {
  const chat = clients.langchain()
  expect((await chat.invoke(QUESTION)).content).toBe(ANSWER)
  let streamed = ''
  for await (const chunk of await chat.stream(QUESTION)) streamed += String(chunk.text)
  expect(streamed).toBe(ANSWER)
  const person = {
    type: 'object',
    properties: { name: { type: 'string' }, age: { type: 'integer' } },
  }
  const structured = chat.withStructuredOutput(
    { title: 'person', ...person },
    { method: 'jsonSchema' },
  )
  expect(await structured.invoke('Return JSON with name and age: Maria is 42 years old.')).toEqual({
    name: 'Maria',
    age: 42,
  })
})
