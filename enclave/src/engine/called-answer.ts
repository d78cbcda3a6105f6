import type { AnswerPart, GenerateResult } from './engine.ts'
import { EngineError } from './engine-error.ts'
import type { TextPart } from './generation.ts'
import { leave } from './leave.ts'
import { readCall, ToolCalls, type ToolText } from './tool-calls.ts'

type Texts = AsyncGenerator<TextPart, GenerateResult>
type Answer = AsyncGenerator<AnswerPart, GenerateResult>

/** Turns the calls in a text into parts of their own. With `enough`, the first call ends the answer through it. */
export async function* withCalls(
  texts: Texts,
  offered: readonly string[],
  enough?: AbortController,
): Answer {
  const calls = new ToolCalls(offered)
  let index = 0
  let tokens = 0
  const parts = function* (decided: readonly ToolText[]): Generator<AnswerPart, void> {
    for (const one of decided) {
      if (enough?.signal.aborted === true) return
      const completed = tokens
      tokens = 0
      if ('text' in one) yield { type: 'text', text: one.text, tokens: completed }
      else {
        enough?.abort()
        yield* callParts(index++, one.call, completed)
      }
    }
  }
  let end: GenerateResult
  try {
    let step = await texts.next()
    for (; step.done !== true; step = await texts.next()) {
      tokens += step.value.tokens
      yield* parts(calls.push(step.value.text))
    }
    end = step.value
  } finally {
    leave(texts)
  }
  if (enough?.signal.aborted === true) return { ...end, finish: 'tool_calls' }
  if (end.finish !== 'aborted') yield* parts(calls.end())
  const finish = end.finish === 'stop' && index > 0 ? 'tool_calls' : end.finish
  return { ...end, finish }
}

/** One call that had to be made, written by a grammar: nothing goes out before it is whole. */
export async function* asCall(texts: Texts, offered: readonly string[]): Answer {
  let written = ''
  let tokens = 0
  let step = await texts.next()
  for (; step.done !== true; step = await texts.next()) {
    written += step.value.text
    tokens += step.value.tokens
  }
  const end = step.value
  if (end.finish !== 'stop') return end
  const call = readCall(written, new Set(offered))
  if (call === undefined) throw new EngineError('ENGINE_FAILED', 'a forced call was not written')
  yield* callParts(0, call, tokens)
  return { ...end, finish: 'tool_calls' }
}

function* callParts(
  index: number,
  call: { readonly id: string; readonly name: string; readonly arguments: string },
  tokens: number,
): Generator<AnswerPart, void> {
  yield { type: 'tool_call', index, id: call.id, name: call.name, tokens: 0 }
  yield { type: 'tool_arguments', index, text: call.arguments, tokens }
}
