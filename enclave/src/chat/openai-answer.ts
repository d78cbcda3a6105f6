import { utf8, type JsonValue } from '@jeju/verifier/protocol'
import type { GenerateResult } from '../engine/engine.ts'

/** What every chunk of one answer repeats. */
export interface AnswerName {
  readonly id: string
  /** Unix seconds. */
  readonly created: number
  readonly model: string
}

/** The SSE frames of one answer, without receipt and `[DONE]`. */
export interface Chunks {
  readonly opening: Uint8Array<ArrayBuffer>
  piece(text: string): Uint8Array<ArrayBuffer>
  /** Finish reason, and usage where it was asked for. */
  ending(end: GenerateResult): Uint8Array<ArrayBuffer>
}

/** A `chat.completion` document. */
export function answerBody(name: AnswerName, content: string, end: GenerateResult): string {
  const { id, created, model } = name
  return JSON.stringify({
    id,
    object: 'chat.completion',
    created,
    model,
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content },
        logprobs: null,
        finish_reason: finishReason(end),
      },
    ],
    usage: usageOf(end),
  })
}

/** `chat.completion.chunk` frames. With usage every other chunk carries `usage: null`, as OpenAI's do. */
export function createChunks(name: AnswerName, includeUsage: boolean): Chunks {
  const { id, created, model } = name
  const frame = (choices: JsonValue, usage: JsonValue = null): string =>
    `data: ${JSON.stringify({
      id,
      object: 'chat.completion.chunk',
      created,
      model,
      choices,
      ...(includeUsage ? { usage } : {}),
    })}\n\n`
  const choice = (delta: JsonValue, finish_reason: string | null = null): JsonValue => [
    { index: 0, delta, logprobs: null, finish_reason },
  ]
  return {
    opening: utf8(frame(choice({ role: 'assistant', content: '' }))),
    piece: (text) => utf8(frame(choice({ content: text }))),
    ending: (end) =>
      utf8(frame(choice({}, finishReason(end))) + (includeUsage ? frame([], usageOf(end)) : '')),
  }
}

function usageOf({ inputTokens, outputTokens }: GenerateResult): {
  readonly [name: string]: number
} {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
  }
}

/** OpenAI has no word for an answer that was cut short: `length` at least does not call it complete. */
function finishReason({ finish }: GenerateResult): 'stop' | 'length' {
  return finish === 'stop' ? 'stop' : 'length'
}
