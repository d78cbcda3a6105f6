import type { StatedUsage } from '@jeju/verifier'
import type { ReceiptChunk } from '@jeju/verifier/protocol'

/** What the verification takes from an answer's own JSON. All of it is covered by the response hash. */
export interface AnswerFacts {
  /** Of a stream only with `stream_options.include_usage`. */
  readonly usage?: StatedUsage
  /** Id, model and time that every chunk of a stream repeats. */
  readonly chunk?: ReceiptChunk
}

/** Facts of a JSON answer; none of a text that is no object. */
export function factsOfJson(text: string): AnswerFacts {
  const members = parseObject(text)
  const usage =
    usageOf(members.get('usage')) ?? usageOf(membersOf(members.get('response')).get('usage'))
  const chunk = chunkOf(members)
  return { ...(usage === undefined ? {} : { usage }), ...(chunk === undefined ? {} : { chunk }) }
}

/** Facts of the JSON documents of a stream's frames; later frames win. */
export function factsOfFrames(documents: readonly string[]): AnswerFacts {
  return documents.map(factsOfJson).reduce((facts, later) => ({ ...facts, ...later }), {})
}

function parseObject(text: string): ReadonlyMap<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return membersOf(value)
  } catch {
    // No JSON, no facts; whether the bytes are the signed ones is judged elsewhere.
    return new Map()
  }
}

function membersOf(value: unknown): ReadonlyMap<string, unknown> {
  return new Map(typeof value === 'object' && value !== null ? Object.entries(value) : [])
}

function usageOf(value: unknown): StatedUsage | undefined {
  const usage = membersOf(value)
  const inputTokens = usage.get('prompt_tokens') ?? usage.get('input_tokens')
  // Vectors take no output tokens, and their usage does not speak of any.
  const outputTokens = usage.get('completion_tokens') ?? usage.get('output_tokens') ?? 0
  return typeof inputTokens === 'number' && typeof outputTokens === 'number'
    ? { inputTokens, outputTokens }
    : undefined
}

function chunkOf(chunk: ReadonlyMap<string, unknown>): ReceiptChunk | undefined {
  const id = chunk.get('id')
  const model = chunk.get('model')
  const created = chunk.get('created')
  return typeof id === 'string' && typeof model === 'string' && Number.isSafeInteger(created)
    ? { id, model, created: Number(created) }
    : undefined
}
