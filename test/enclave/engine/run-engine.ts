import type {
  AnswerPart,
  Engine,
  GenerateRequest,
  GenerateResult,
} from '../../../enclave/src/engine/engine.ts'
import type { ChatMessage, Tool, ToolCall } from '../../../enclave/src/engine/prompt.ts'

/** A request with its conversation; `maxTokens` is 100 where it does not say. */
export type ChatGeneration = Partial<GenerateRequest> & {
  readonly messages: readonly ChatMessage[]
  readonly tools?: readonly Tool[]
}

/** A whole answer: its pieces as they came, their text, its calls, and the counts. */
export interface Answer extends GenerateResult {
  readonly pieces: readonly string[]
  readonly text: string
  readonly calls: readonly Omit<ToolCall, 'id'>[]
}

/** Starts to answer a conversation. */
export async function generate(
  engine: Engine,
  request: ChatGeneration,
  signal: AbortSignal = new AbortController().signal,
): Promise<AsyncGenerator<AnswerPart, GenerateResult>> {
  const { messages, tools = [], ...options } = request
  const prepared = await engine.prepare({ kind: 'chat', messages, tools })
  return prepared.generate({ maxTokens: 100, ...options }, signal)
}

/** Runs a request to its end. */
export async function answer(
  engine: Engine,
  request: ChatGeneration,
  signal: AbortSignal = new AbortController().signal,
): Promise<Answer> {
  return collect(await generate(engine, request, signal))
}

/** Everything of an answer. */
export async function collect(stream: AsyncGenerator<AnswerPart, GenerateResult>): Promise<Answer> {
  const pieces: string[] = []
  const calls: { name: string; arguments: string }[] = []
  for (;;) {
    const step = await stream.next()
    if (step.done === true) return { ...step.value, pieces, text: pieces.join(''), calls }
    const part = step.value
    if (part.type === 'text') pieces.push(part.text)
    else if (part.type === 'tool_call') calls.push({ name: part.name, arguments: '' })
    else {
      const call = calls[part.index]
      if (call !== undefined) call.arguments += part.text
    }
  }
}

/** Tokens of a conversation. */
export async function promptTokens(
  engine: Engine,
  messages: readonly ChatMessage[],
): Promise<number> {
  return (await engine.prepare({ kind: 'chat', messages, tools: [] })).tokens.atLeast
}

/** A conversation of one user message. */
export function user(content: string): readonly ChatMessage[] {
  return [{ role: 'user', content }]
}
