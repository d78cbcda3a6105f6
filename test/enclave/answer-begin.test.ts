import { expect, test } from 'vitest'
import {
  answerFrames,
  answerWhole,
  type StreamParts,
} from '../../enclave/src/answer/answer-frames.ts'
import { createChatWriter } from '../../enclave/src/api/openai/chat-writer.ts'
import { withCalls } from '../../enclave/src/engine/called-answer.ts'
import type { AnswerPart, GenerateResult } from '../../enclave/src/engine/engine.ts'
import type { TextPart } from '../../enclave/src/engine/generation.ts'

/** An answer of one piece, of which a test decides when the disk has its authorisation. */
function begin(): {
  readonly parts: StreamParts
  readonly seen: string[]
  readonly settle: { readonly resolve: () => void; readonly reject: (error: Error) => void }
} {
  const seen: string[] = []
  let settle = { resolve: (): void => undefined, reject: (error: Error): void => void error }
  const taken = new Promise<void>((resolve, reject) => (settle = { resolve, reject }))
  async function* generate(signal: AbortSignal): AsyncGenerator<AnswerPart, GenerateResult> {
    seen.push('engine begins')
    signal.addEventListener('abort', () => seen.push('engine is ended'), { once: true })
    await Promise.resolve()
    yield { type: 'text', text: 'Ja', tokens: 1 }
    return { finish: 'stop', inputTokens: 1, outputTokens: 1 }
  }
  const name = { id: 'x', created: 1, model: 'm' }
  const parts: StreamParts = {
    generate: (signal) => [generate(signal)],
    perPrompt: 1,
    promptTokens: 1,
    writer: createChatWriter(name, { includeUsage: false, logprobs: false }),
    name,
    taken,
    intervalMs: 0,
    job: {
      cover: () => seen.push('covered'),
      conclude: () => Promise.reject(new Error('not in this test')),
      abandon: async () => {
        await Promise.resolve()
        seen.push('abandoned')
      },
    },
    gone: new AbortController().signal,
    cut: new AbortController().signal,
    began: () => seen.push('began'),
  }
  return { parts, seen, settle }
}

const manyTurns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
}

test('N9 the engine begins at once, and nothing is handed on before the authorisation is on disk', async () => {
  const { parts, seen, settle } = begin()
  const frames = answerFrames(parts)
  const first = frames.next()
  await manyTurns()
  expect(seen).toEqual(['engine begins'])
  settle.resolve()
  expect(Buffer.from((await first).value ?? []).toString()).toContain('"role":"assistant"')
  expect(seen).toEqual(['engine begins', 'began', 'covered'])
})

test.each(['stream', 'whole'] as const)(
  'N9 an authorisation that the disk does not take ends the engine and changes no book: %s',
  async (kind) => {
    const { parts, seen, settle } = begin()
    const answer = kind === 'whole' ? answerWhole(parts) : answerFrames(parts).next()
    const outcome = expect(answer).rejects.toThrow('the disk is full')
    await manyTurns()
    settle.reject(new Error('the disk is full'))
    await outcome
    expect(seen).toEqual(['engine begins', 'engine is ended'])
  },
)

/** Several choices, each of which says that it has let go. */
function several(
  parts: StreamParts,
  choices: readonly ((signal: AbortSignal) => AsyncGenerator<AnswerPart, GenerateResult>)[],
): { readonly parts: StreamParts; readonly letGo: () => number } {
  let letGo = 0
  const watched = async function* (
    generation: AsyncGenerator<AnswerPart, GenerateResult>,
  ): AsyncGenerator<AnswerPart, GenerateResult> {
    try {
      return yield* generation
    } finally {
      letGo += 1
    }
  }
  return {
    parts: { ...parts, generate: (signal) => choices.map((make) => watched(make(signal))) },
    letGo: () => letGo,
  }
}

async function* speaks(): AsyncGenerator<AnswerPart, GenerateResult> {
  for (;;) yield { type: 'text', text: 'Ja', tokens: 1 }
}

/** Says nothing until it is left. */
// oxlint-disable-next-line require-yield
async function* waits(signal: AbortSignal): AsyncGenerator<AnswerPart, GenerateResult> {
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
  return { finish: 'aborted', inputTokens: 0, outputTokens: 0 }
}

// oxlint-disable-next-line require-yield
async function* fails(): AsyncGenerator<AnswerPart, GenerateResult> {
  await Promise.resolve()
  throw new Error('refused')
}

test.each(['stream', 'whole'] as const)(
  'N9 a choice that fails at its first step leaves no other one running: %s',
  async (kind) => {
    const begun = begin()
    const { parts, letGo } = several(begun.parts, [fails, speaks, waits])
    begun.settle.resolve()
    const answer = kind === 'whole' ? answerWhole(parts) : answerFrames(parts).next()
    await expect(answer).rejects.toThrow('refused')
    await manyTurns()
    expect(letGo()).toBe(3)
    expect(begun.seen).toContain('abandoned')
  },
)

test('N9 a first part that stands ready lets go when the disk fails', async () => {
  const begun = begin()
  const { parts, letGo } = several(begun.parts, [speaks])
  const answer = expect(answerFrames(parts).next()).rejects.toThrow('the disk is full')
  await manyTurns()
  begun.settle.reject(new Error('the disk is full'))
  await answer
  await manyTurns()
  expect(letGo()).toBe(1)
})

test('N9 calls that are read out of a text let the text go when nobody asks for more', async () => {
  let letGo = 0
  const texts = async function* (): AsyncGenerator<TextPart, GenerateResult> {
    try {
      for (;;) yield { type: 'text', text: 'Ja', tokens: 1 }
    } finally {
      letGo += 1
    }
  }
  const answer = withCalls(texts(), [])
  await answer.next()
  await answer.return({ finish: 'aborted', inputTokens: 0, outputTokens: 0 })
  await manyTurns()
  expect(letGo).toBe(1)
})
