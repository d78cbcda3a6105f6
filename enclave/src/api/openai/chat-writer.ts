import type { JsonValue } from '@jeju/verifier/protocol'
import type { AnswerName, AnswerWriter, FinishedChoice, Usage } from '../../answer/answer-writer.ts'
import type { AnswerPart, GenerateResult } from '../../engine/engine.ts'
import { logprobsContent } from './logprobs.ts'

/** What a request says of how its answer is written. */
export interface ChatWriterOptions {
  readonly includeUsage: boolean
  readonly logprobs: boolean
}

/** `chat.completion` documents, and `chat.completion.chunk` frames. */
export function createChatWriter(name: AnswerName, options: ChatWriterOptions): AnswerWriter {
  const id = `chatcmpl-${name.id}`
  const { created, model } = name
  const frame = (choices: JsonValue, usage: JsonValue = null): string =>
    `data: ${JSON.stringify({
      id,
      object: 'chat.completion.chunk',
      created,
      model,
      choices,
      // With usage every other chunk carries `usage: null`, as OpenAI's do.
      ...(options.includeUsage ? { usage } : {}),
    })}\n\n`
  const choice = (
    index: number,
    delta: JsonValue,
    more: { readonly logprobs?: JsonValue; readonly finish?: string } = {},
  ): JsonValue => ({
    index,
    delta,
    logprobs: more.logprobs ?? null,
    finish_reason: more.finish ?? null,
  })
  let opened = 0
  const open = (index: number): string => {
    opened = index + 1
    return frame([choice(index, { role: 'assistant', content: '' })])
  }
  /** Every choice begins with its role, in order. */
  const opening = (index: number): string => {
    let frames = ''
    while (opened <= index) frames += open(opened)
    return frames
  }
  return {
    kind: 'chat',
    id,
    whole: ({ choices, usage }) =>
      JSON.stringify({
        id,
        object: 'chat.completion',
        created,
        model,
        choices: choices.map((finished, index) => wholeChoice(index, finished, options)),
        usage: usageOf(usage),
      }),
    opening: () => opening(0),
    part: (index, part) => {
      const logprobs =
        options.logprobs && part.type === 'text'
          ? { logprobs: logprobsContent(part.logprobs ?? []) }
          : {}
      return opening(index) + frame([choice(index, deltaOf(part), logprobs)])
    },
    ended: (index, { end }) =>
      opening(index) + frame([choice(index, {}, { finish: finishReason(end) })]),
    closing: ({ usage }) => (options.includeUsage ? frame([], usageOf(usage)) : ''),
  }
}

function deltaOf(part: AnswerPart): JsonValue {
  switch (part.type) {
    case 'text':
      return { content: part.text }
    case 'tool_call': {
      const { index, id, name } = part
      return { tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] }
    }
    case 'tool_arguments':
      return { tool_calls: [{ index: part.index, function: { arguments: part.text } }] }
  }
}

function wholeChoice(
  index: number,
  { text, toolCalls, logprobs, end }: FinishedChoice,
  options: ChatWriterOptions,
): JsonValue {
  const calls = toolCalls.map(({ id, name, arguments: args }) => ({
    id,
    type: 'function',
    function: { name, arguments: args },
  }))
  return {
    index,
    message: {
      role: 'assistant',
      content: text === '' && calls.length > 0 ? null : text,
      refusal: null,
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
    },
    logprobs: options.logprobs ? logprobsContent(logprobs) : null,
    finish_reason: finishReason(end),
  }
}

/** OpenAI's usage. */
export function usageOf({ inputTokens, outputTokens, cachedTokens }: Usage): JsonValue {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
  }
}

/** OpenAI has no word for an answer that was cut short: `length` at least does not call it complete. */
export function finishReason({ finish }: GenerateResult): 'stop' | 'length' | 'tool_calls' {
  return finish === 'aborted' ? 'length' : finish
}
