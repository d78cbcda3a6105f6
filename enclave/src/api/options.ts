import type { GenerateRequest } from '../engine/engine.ts'

/** Sampling as the APIs name it; null and undefined mean the default. */
interface NamedOptions {
  readonly temperature?: number | null | undefined
  readonly top_p?: number | null | undefined
  readonly seed?: number | null | undefined
  readonly stop?: string | readonly string[] | null | undefined
  readonly frequency_penalty?: number | null | undefined
  readonly presence_penalty?: number | null | undefined
}

/** The options that every API has. */
export function sharedOptions(named: NamedOptions): Omit<GenerateRequest, 'maxTokens'> {
  const { temperature, top_p: topP, seed, stop } = named
  const { frequency_penalty: frequencyPenalty, presence_penalty: presencePenalty } = named
  return {
    stop: [stop ?? []].flat(),
    ...(isGiven(temperature) ? { temperature } : {}),
    ...(isGiven(topP) ? { topP } : {}),
    ...(isGiven(seed) ? { seed } : {}),
    ...(isGiven(frequencyPenalty) && frequencyPenalty !== 0 ? { frequencyPenalty } : {}),
    ...(isGiven(presencePenalty) && presencePenalty !== 0 ? { presencePenalty } : {}),
  }
}

function isGiven<Value>(value: Value | null | undefined): value is Value {
  return value !== null && value !== undefined
}
