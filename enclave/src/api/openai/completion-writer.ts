import type { JsonValue } from '@jeju/verifier/protocol'
import type { AnswerName, AnswerWriter } from '../../answer/answer-writer.ts'
import type { TokenLogprob } from '../../engine/engine.ts'
import { finishReason, usageOf, type ChatWriterOptions } from './chat-writer.ts'
import { tokenText } from './logprobs.ts'

/** `text_completion` documents and chunks. */
export function createCompletionWriter(name: AnswerName, options: ChatWriterOptions): AnswerWriter {
  const id = `cmpl-${name.id}`
  const document = (choices: JsonValue, more: { readonly [name: string]: JsonValue }): string =>
    JSON.stringify({
      id,
      object: 'text_completion',
      created: name.created,
      model: name.model,
      choices,
      ...more,
    })
  const frame = (choices: JsonValue, usage: JsonValue = null): string =>
    `data: ${document(choices, options.includeUsage ? { usage } : {})}\n\n`
  /** Characters of each choice that went out, for `text_offset`. */
  const offsets = new Map<number, number>()
  const choice = (
    index: number,
    text: string,
    logprobs: readonly TokenLogprob[] | undefined,
    finish: string | null,
  ): JsonValue => {
    const offset = offsets.get(index) ?? 0
    offsets.set(index, offset + text.length)
    const stated = options.logprobs ? legacyLogprobs(logprobs ?? [], offset) : null
    return { index, text, logprobs: stated, finish_reason: finish }
  }
  return {
    kind: 'completion',
    id,
    whole: ({ choices, usage }) =>
      document(
        choices.map(({ text, logprobs, end }, index) =>
          choice(index, text, logprobs, finishReason(end)),
        ),
        { usage: usageOf(usage) },
      ),
    opening: () => '',
    part: (index, part) =>
      part.type === 'text' ? frame([choice(index, part.text, part.logprobs, null)]) : '',
    ended: (index, { end }) => frame([choice(index, '', undefined, finishReason(end))]),
    closing: ({ usage }) => (options.includeUsage ? frame([], usageOf(usage)) : ''),
  }
}

/** `logprobs` as the completions API has them. */
function legacyLogprobs(logprobs: readonly TokenLogprob[], start: number): JsonValue {
  let offset = start
  const offsets = logprobs.map((token) => {
    const at = offset
    offset += tokenText(token).length
    return at
  })
  return {
    tokens: logprobs.map(tokenText),
    token_logprobs: logprobs.map(({ logprob }) => logprob),
    top_logprobs: logprobs.map(({ top }) =>
      Object.fromEntries(top.map((token) => [tokenText(token), token.logprob])),
    ),
    text_offset: offsets,
  }
}
