import type { StatedUsage } from '@jeju/verifier'

const USAGE = Buffer.from('"usage":{')

/** Usage that a JSON answer states, of whichever prompt API. */
export function usageOfJson(text: string): StatedUsage | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const members = membersOf(value)
    return usageOf(members['usage']) ?? usageOf(membersOf(members['response'])['usage'])
  } catch {
    // No JSON, no usage; whether the bytes are the signed ones is judged elsewhere.
    return undefined
  }
}

/** Usage that whole frames of a stream state; the last one wins. */
export function usageOfFrames(frames: Uint8Array): StatedUsage | undefined {
  const bytes = Buffer.from(frames.buffer, frames.byteOffset, frames.byteLength)
  if (!bytes.includes(USAGE)) return undefined
  let usage: StatedUsage | undefined
  for (const line of bytes.toString('utf8').split('\n')) {
    if (line.startsWith('data: {')) usage = usageOfJson(line.slice('data: '.length)) ?? usage
  }
  return usage
}

function usageOf(value: unknown): StatedUsage | undefined {
  const usage = membersOf(value)
  const inputTokens = usage['prompt_tokens'] ?? usage['input_tokens']
  // Vectors take no output tokens, and their usage does not speak of any.
  const outputTokens = usage['completion_tokens'] ?? usage['output_tokens'] ?? 0
  return typeof inputTokens === 'number' && typeof outputTokens === 'number'
    ? { inputTokens, outputTokens }
    : undefined
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)
    : {}
}
