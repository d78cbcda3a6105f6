import { AIMessage, HumanMessage, ToolMessage, type AIMessageChunk } from '@langchain/core/messages'
import { generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai'
import { describe, expect, test } from 'vitest'
import { CITY, GREEDY, model, QUESTION, useClients, WEATHER } from './setting/clients.ts'

// A tool through each client, streamed and to its end: called, told its result, answered.

const DESCRIPTION = { name: 'get_weather', description: 'get weather' } as const

const clients = useClients()

let before = 0
const since = (): number => clients.receipts().length - before
const mark = (): void => {
  before = clients.receipts().length
}

test('OpenAI: the client’s own loop runs the tool and gets an answer', async () => {
  mark()
  const openai = clients.openai()
  for (const stream of [false, true] as const) {
    const asked: string[] = []
    const runner = openai.chat.completions.runTools({
      model,
      ...GREEDY,
      stream,
      messages: [{ role: 'user', content: WEATHER }],
      tools: [
        {
          type: 'function',
          function: {
            ...DESCRIPTION,
            parameters: CITY,
            parse: JSON.parse as (text: string) => { city: string },
            function: ({ city }: { city: string }) => {
              asked.push(city)
              return `${city}: sunny`
            },
          },
        },
      ],
    } as never)
    const content: unknown = await (
      runner as { finalContent(): Promise<string | null> }
    ).finalContent()
    expect(asked).toEqual(['Paris'])
    expect(typeof content).toBe('string')
  }
  expect(since()).toBe(4)
})

test('OpenAI: a call of the responses API in events, and its result', async () => {
  mark()
  const openai = clients.openai()
  const tools = [{ type: 'function' as const, strict: false, ...DESCRIPTION, parameters: CITY }]
  const stream = openai.responses.stream({ model, ...GREEDY, input: WEATHER, tools })
  const events: string[] = []
  const sequence: number[] = []
  let args = ''
  for await (const event of stream) {
    events.push(event.type)
    sequence.push(event.sequence_number)
    if (event.type === 'response.function_call_arguments.delta') args += event.delta
  }
  const response = await stream.finalResponse()
  const [call] = response.output
  if (call?.type !== 'function_call') throw new Error('no call')
  expect(JSON.parse(call.arguments)).toEqual({ city: 'Paris' })
  expect(args).toBe(call.arguments)
  expect(sequence).toEqual(sequence.map((_, at) => at))
  const kinds = events.filter((type, at) => type !== events[at - 1])
  expect(kinds).toEqual([
    'response.created',
    'response.in_progress',
    'response.output_item.added',
    'response.function_call_arguments.delta',
    'response.function_call_arguments.done',
    'response.output_item.done',
    'response.completed',
  ])
  const told = await openai.responses.create({
    model,
    ...GREEDY,
    tools,
    input: [
      { role: 'user', content: WEATHER },
      { type: 'function_call', call_id: call.call_id, name: call.name, arguments: call.arguments },
      { type: 'function_call_output', call_id: call.call_id, output: 'Paris: sunny' },
    ],
  })
  expect(told.output_text.length).toBeGreaterThan(0)
  expect(since()).toBe(2)
})

test('OpenAI: text of the responses API in events', async () => {
  const openai = clients.openai()
  const stream = openai.responses.stream({ model, ...GREEDY, input: QUESTION })
  const events: string[] = []
  for await (const { type } of stream) events.push(type)
  expect(events.filter((type, at) => type !== events[at - 1])).toEqual([
    'response.created',
    'response.in_progress',
    'response.output_item.added',
    'response.content_part.added',
    'response.output_text.delta',
    'response.output_text.done',
    'response.content_part.done',
    'response.output_item.done',
    'response.completed',
  ])
})

describe('Anthropic', () => {
  const tools = [{ ...DESCRIPTION, input_schema: CITY }]

  test('the events of a message and of a use of a tool, in their order', async () => {
    const anthropic = clients.anthropic()
    for (const [content, delta] of [
      [QUESTION, 'text_delta'],
      [WEATHER, 'input_json_delta'],
    ] as const) {
      const events: string[] = []
      const stream = await anthropic.messages.create({
        model,
        max_tokens: 60,
        ...GREEDY,
        stream: true,
        tools,
        messages: [{ role: 'user', content }],
      })
      for await (const event of stream) {
        events.push(event.type === 'content_block_delta' ? event.delta.type : event.type)
      }
      expect(events.filter((type, at) => type !== events[at - 1])).toEqual([
        'message_start',
        'content_block_start',
        delta,
        'content_block_stop',
        'message_delta',
        'message_stop',
      ])
    }
  })

  test('a result is answered', async () => {
    mark()
    const anthropic = clients.anthropic()
    const options = { model, max_tokens: 60, ...GREEDY, tools }
    const asked = { role: 'user', content: WEATHER } as const
    const used = await anthropic.messages.create({ ...options, messages: [asked] })
    const [use] = used.content
    if (use?.type !== 'tool_use') throw new Error('no use of a tool')
    const result = { type: 'tool_result', tool_use_id: use.id, content: 'Paris: sunny' } as const
    const told = await anthropic.messages.create({
      ...options,
      messages: [
        asked,
        { role: 'assistant', content: used.content },
        { role: 'user', content: [result] },
      ],
    })
    expect(told.stop_reason).toBe('end_turn')
    expect(told.content[0]).toMatchObject({ type: 'text' })
    expect(since()).toBe(2)
  })
})

test('the Vercel AI SDK streams a call, runs it and goes on', async () => {
  mark()
  const chat = clients.vercel()
  const tools = {
    get_weather: tool({
      description: 'get weather',
      inputSchema: jsonSchema<{ city: string }>(CITY),
      execute: ({ city }) => Promise.resolve(`${city}: sunny`),
    }),
  }
  const stream = streamText({
    model: chat,
    prompt: WEATHER,
    ...GREEDY,
    tools,
    stopWhen: stepCountIs(2),
  })
  const kinds: string[] = []
  for await (const { type } of stream.fullStream) kinds.push(type)
  expect(kinds).toEqual(
    expect.arrayContaining(['tool-call', 'tool-result', 'text-delta', 'finish']),
  )
  expect(kinds).not.toContain('error')
  const [first, second] = await stream.steps
  expect(first?.toolResults).toMatchObject([{ output: 'Paris: sunny' }])
  expect(first?.finishReason).toBe('tool-calls')
  expect(second?.finishReason).toBe('stop')
  const whole = await generateText({
    model: chat,
    prompt: WEATHER,
    ...GREEDY,
    tools,
    stopWhen: stepCountIs(2),
  })
  expect(whole.text).toBe(await stream.text)
  expect(since()).toBe(4)
})

test('LangChain binds a tool, streams its call and is told its result', async () => {
  mark()
  const chat = clients
    .langchain()
    .bindTools([{ type: 'function', function: { ...DESCRIPTION, parameters: CITY } }])
  const called = await chat.invoke(WEATHER)
  expect(called.tool_calls).toMatchObject([{ name: 'get_weather', args: { city: 'Paris' } }])
  let streamed: AIMessageChunk | undefined
  for await (const chunk of await chat.stream(WEATHER)) {
    streamed = streamed === undefined ? chunk : streamed.concat(chunk)
  }
  expect(streamed?.tool_calls).toMatchObject([{ name: 'get_weather', args: { city: 'Paris' } }])
  const [call] = called.tool_calls ?? []
  const told = await chat.invoke([
    new HumanMessage(WEATHER),
    new AIMessage({ content: '', tool_calls: called.tool_calls ?? [] }),
    new ToolMessage({ content: 'Paris: sunny', tool_call_id: call?.id ?? '' }),
  ])
  expect(told.text.length).toBeGreaterThan(0)
  expect(since()).toBe(3)
})
