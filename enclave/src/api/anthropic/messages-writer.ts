import type { JsonValue } from '@jeju/verifier/protocol'
import type { AnswerName, AnswerWriter, FinishedChoice } from '../../answer/answer-writer.ts'
import type { AnswerPart, GenerateResult } from '../../engine/engine.ts'
import { namedEvent } from '../named-events.ts'

/** `message` documents of Anthropic's API, and the events of their stream. */
export function createMessagesWriter(name: AnswerName): AnswerWriter {
  const id = `msg_${name.id}`
  const base = { id, type: 'message', role: 'assistant', model: name.model }
  const blocks = new BlockWriter()
  return {
    kind: 'messages',
    id,
    whole: ({ choices, usage }) =>
      JSON.stringify({
        ...base,
        content: choices.flatMap(contentOf),
        ...stopOf(choices[0]?.end),
        usage: usageOf(usage.inputTokens, usage.outputTokens),
      }),
    opening: (inputTokens) =>
      namedEvent('message_start', {
        message: {
          ...base,
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: usageOf(inputTokens, 0),
        },
      }),
    part: (_, part) => blocks.part(part),
    ended: () => blocks.close(),
    closing: ({ choices, usage }) =>
      namedEvent('message_delta', {
        delta: stopOf(choices[0]?.end),
        usage: usageOf(usage.inputTokens, usage.outputTokens),
      }) + namedEvent('message_stop', {}),
  }
}

/** Writes blocks as they grow. One is open at a time; the next one closes it. */
class BlockWriter {
  #index = -1
  #open: 'text' | 'tool_use' | undefined

  part(part: AnswerPart): string {
    switch (part.type) {
      case 'text': {
        const start = this.#open === 'text' ? '' : this.#start('text', { text: '' })
        return start + this.#delta({ type: 'text_delta', text: part.text })
      }
      case 'tool_call':
        return this.#start('tool_use', { id: part.id, name: part.name, input: {} })
      case 'tool_arguments':
        return this.#delta({ type: 'input_json_delta', partial_json: part.text })
    }
  }

  close(): string {
    if (this.#open === undefined) return ''
    this.#open = undefined
    return namedEvent('content_block_stop', { index: this.#index })
  }

  #start(type: 'text' | 'tool_use', members: { readonly [name: string]: JsonValue }): string {
    const closed = this.close()
    this.#open = type
    const content_block = { type, ...members }
    return closed + namedEvent('content_block_start', { index: ++this.#index, content_block })
  }

  #delta(delta: JsonValue): string {
    return namedEvent('content_block_delta', { index: this.#index, delta })
  }
}

function contentOf({ text, toolCalls }: FinishedChoice): readonly JsonValue[] {
  const calls = toolCalls.flatMap(({ id, name, arguments: args }) => {
    const input = inputOf(args)
    return input === undefined ? [] : [{ type: 'tool_use', id, name, input }]
  })
  return [...(text === '' ? [] : [{ type: 'text', text }]), ...calls]
}

/** A call that was cut short has no input, and is left out. */
function inputOf(args: string): JsonValue | undefined {
  try {
    const input: JsonValue = JSON.parse(args)
    return input
  } catch {
    return undefined
  }
}

function stopOf(end: GenerateResult | undefined): { readonly [name: string]: JsonValue } {
  const stop_reason = stopReason(end)
  const stop_sequence = stop_reason === 'stop_sequence' ? (end?.stopString ?? null) : null
  return { stop_reason, stop_sequence }
}

/** There is no word for an answer that was cut short: `max_tokens` at least does not call it complete. */
function stopReason(end: GenerateResult | undefined): string {
  switch (end?.finish) {
    case 'tool_calls':
      return 'tool_use'
    case 'stop':
      return end.stopString === undefined ? 'end_turn' : 'stop_sequence'
    case 'length':
    case 'aborted':
    case undefined:
      return 'max_tokens'
  }
}

function usageOf(input_tokens: number, output_tokens: number): JsonValue {
  return { input_tokens, output_tokens }
}
