import type { JsonValue } from '@jeju/verifier/protocol'
import type { FinishedChoice, Usage } from '../../answer/answer-writer.ts'
import type { ToolCall } from '../../engine/prompt.ts'

/** An object of JSON. */
export interface Item {
  readonly [name: string]: JsonValue
}

type Status = 'completed' | 'incomplete' | 'in_progress'

/** A part of an output message. */
export function textPart(text: string): Item {
  return { type: 'output_text', text, annotations: [], logprobs: [] }
}

/** An output message. */
export function messageItem(id: string, status: Status, content: readonly Item[]): Item {
  return { id, type: 'message', role: 'assistant', status, content }
}

/** A call of a function. */
export function callItem(id: string, status: Status, call: ToolCall): Item {
  const { id: call_id, name, arguments: args } = call
  return { id, type: 'function_call', status, call_id, name, arguments: args }
}

/** The items of a finished answer; `idOf` names them by kind and place. */
export function outputItems(
  { text, toolCalls, end }: FinishedChoice,
  idOf: (kind: 'msg' | 'fc', index: number) => string,
): readonly Item[] {
  const status = isComplete(end) ? 'completed' : 'incomplete'
  const messages = text === '' ? [] : [messageItem(idOf('msg', 0), status, [textPart(text)])]
  const calls = toolCalls.map((call, index) =>
    callItem(idOf('fc', messages.length + index), 'completed', call),
  )
  return [...messages, ...calls]
}

/** Whether the model came to its end. */
export function isComplete({ finish }: FinishedChoice['end']): boolean {
  return finish === 'stop' || finish === 'tool_calls'
}

/** Usage of the responses API. */
export function responsesUsage({ inputTokens, outputTokens, cachedTokens }: Usage): Item {
  return {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: cachedTokens },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: inputTokens + outputTokens,
  }
}
