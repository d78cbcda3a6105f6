import type OpenAI from 'openai'
import { beforeAll, describe, expect, test } from 'vitest'
import { ANSWER, CITY, model, QUESTION, useClients } from './setting/clients.ts'

const WEATHER = { name: 'get_weather', description: 'get weather', parameters: CITY } as const

const clients = useClients()
let openai: OpenAI
beforeAll(() => {
  openai = clients.openai()
})

const ask = (content: string): OpenAI.ChatCompletionMessageParam[] => [{ role: 'user', content }]

describe('the OpenAI client, unmodified', () => {
  test('completes, and the receipt says what the usage says', async () => {
    const completion = await openai.chat.completions.create({
      model,
      messages: ask(QUESTION),
    })
    expect(completion.choices[0]?.message.content).toBe(ANSWER)
    expect(completion.choices[0]?.finish_reason).toBe('stop')
    expect(clients.receipts().at(-1)).toMatchObject({
      inputTokens: completion.usage?.prompt_tokens,
      outputTokens: completion.usage?.completion_tokens,
      finish: 0,
    })
  })

  test('streams several choices with usage', async () => {
    const stream = openai.chat.completions.stream({
      model,
      messages: ask(QUESTION),
      n: 2,
      stream_options: { include_usage: true },
    })
    const { choices, usage } = await stream.finalChatCompletion()
    expect(choices.map(({ message }) => message.content)).toEqual([ANSWER, ANSWER])
    expect(clients.receipts().at(-1)).toMatchObject({
      inputTokens: usage?.prompt_tokens,
      outputTokens: usage?.completion_tokens,
    })
  })

  test('calls tools, as it likes and when it must, and is told their results', async () => {
    const tools: OpenAI.ChatCompletionTool[] = [{ type: 'function', function: WEATHER }]
    const messages = ask('What is the weather in Paris?')
    for (const tool_choice of [
      'auto',
      'required',
      { type: 'function', function: { name: 'get_weather' } },
    ] as const) {
      const { choices } = await openai.chat.completions.create({
        model,
        messages,
        tools,
        tool_choice,
      })
      const [call] = choices[0]?.message.tool_calls ?? []
      expect(choices[0]?.finish_reason).toBe('tool_calls')
      expect(call).toMatchObject({ type: 'function', function: { name: 'get_weather' } })
      if (call?.type !== 'function') throw new Error('no function')
      expect(JSON.parse(call.function.arguments)).toEqual({ city: 'Paris' })
    }
    const stream = openai.chat.completions.stream({ model, messages, tools })
    const { choices } = await stream.finalChatCompletion()
    const call = choices[0]?.message.tool_calls?.[0]
    if (call?.type !== 'function') throw new Error('no call')
    expect(JSON.parse(call.function.arguments)).toEqual({ city: 'Paris' })
    expect(clients.receipts().at(-1)).toMatchObject({ finish: 3 })
    const told = await openai.chat.completions.create({
      model,
      tools,
      tool_choice: 'none',
      messages: [
        ...messages,
        { role: 'assistant', content: null, tool_calls: [call] },
        { role: 'tool', tool_call_id: call.id, content: 'sunny' },
      ],
    })
    expect(told.choices[0]?.message.tool_calls).toBeUndefined()
  })

  test('gets JSON that follows a schema, at any temperature', async () => {
    const { choices } = await openai.chat.completions.create({
      model,
      messages: ask('Write a poem.'),
      temperature: 1.5,
      seed: 1,
      response_format: {
        type: 'json_schema',
        json_schema: {
          name: 'verdict',
          strict: true,
          schema: {
            type: 'object',
            properties: { ok: { type: 'boolean' }, tone: { enum: ['warm', 'cold'] } },
            required: ['ok', 'tone'],
            additionalProperties: false,
          },
        },
      },
    })
    const verdict = JSON.parse(choices[0]?.message.content ?? '') as Record<string, unknown>
    expect(Object.keys(verdict)).toEqual(['ok', 'tone'])
    expect(typeof verdict['ok']).toBe('boolean')
    expect(['warm', 'cold']).toContain(verdict['tone'])
  })

  test('gets log probabilities for each token', async () => {
    const { choices, usage } = await openai.chat.completions.create({
      model,
      messages: ask(QUESTION),
      logprobs: true,
      top_logprobs: 2,
    })
    const content = choices[0]?.logprobs?.content ?? []
    expect(content).toHaveLength(usage?.completion_tokens ?? -1)
    expect(content.map(({ token }) => token).join('')).toBe(ANSWER)
    for (const { logprob, top_logprobs: top } of content) {
      expect(logprob).toBeLessThanOrEqual(0)
      expect(top).toHaveLength(2)
      expect(top[0]?.logprob).toBeGreaterThanOrEqual(top[1]?.logprob ?? 0)
    }
  })

  test('completes bare text and embeds', async () => {
    const { choices, usage } = await openai.completions.create({
      model,
      prompt: ['Remote attestation is', 'A quote is'],
      max_tokens: 4,
      logprobs: 1,
    })
    expect(choices).toHaveLength(2)
    expect(choices[0]?.logprobs?.tokens).toHaveLength(4)
    expect(usage?.completion_tokens).toBe(8)
    let streamed = ''
    const chunks = await openai.completions.create({
      model,
      prompt: 'Remote attestation is',
      max_tokens: 4,
      stream: true,
    })
    for await (const chunk of chunks) streamed += chunk.choices[0]?.text ?? ''
    expect(streamed).toBe(choices[0]?.text)
    const { data } = await openai.embeddings.create({ model, input: ['quote', 'receipt', 'quote'] })
    const [first, second, third] = data.map(({ embedding }) => embedding)
    expect(first).toEqual(third)
    expect(first).not.toEqual(second)
    expect(Math.hypot(...(first ?? []))).toBeCloseTo(1, 5)
    expect(clients.receipts().at(-1)).toMatchObject({ outputTokens: 0 })
  })

  test('uses the responses API, whole and streamed', async () => {
    const response = await openai.responses.create({ model, input: QUESTION })
    expect(response.output_text).toBe(ANSWER)
    expect(response).toMatchObject({ status: 'completed', store: false })
    expect(clients.receipts().at(-1)).toMatchObject({
      inputTokens: response.usage?.input_tokens,
      outputTokens: response.usage?.output_tokens,
    })
    const stream = openai.responses.stream({ model, input: QUESTION })
    const types: string[] = []
    for await (const event of stream) types.push(event.type)
    expect((await stream.finalResponse()).output_text).toBe(ANSWER)
    expect(types[0]).toBe('response.created')
    expect(types).toContain('response.completed')
    const called = await openai.responses.create({
      model,
      input: 'What is the weather in Paris?',
      tools: [{ type: 'function', strict: false, ...WEATHER }],
    })
    expect(called.output[0]).toMatchObject({ type: 'function_call', name: 'get_weather' })
  })

  test('is told by name what is not supported', async () => {
    const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } } as const
    await expect(
      openai.chat.completions.create({ model, messages: [{ role: 'user', content: [image] }] }),
    ).rejects.toMatchObject({ status: 400, code: 'unsupported_field', param: 'messages.0.content' })
    await expect(
      openai.chat.completions.create({ model, messages: ask('x'), frequency_penalty: 1 }),
    ).rejects.toMatchObject({ code: 'unsupported_field', param: 'frequency_penalty' })
  })
})
