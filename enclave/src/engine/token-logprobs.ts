import type { TokenLogprob, TokenProbability } from './engine.ts'
import type { DrawnToken } from './llama-slot.ts'

/** What stands for a probability of zero; OpenAI's documentation uses the same. */
const NEVER = -9999

/** A drawn token with its `count` likeliest alternatives. */
export function tokenLogprob<Token>(
  { token, probabilities }: DrawnToken<Token>,
  count: number,
  bytesOf: (token: Token) => Uint8Array,
): TokenLogprob {
  const all = probabilities ?? new Map<Token, number>()
  const likely: TokenProbability[] = []
  for (const [one, probability] of all) {
    if (likely.length >= count) break
    likely.push({ bytes: bytesOf(one), logprob: logarithm(probability) })
  }
  return { bytes: bytesOf(token), logprob: logarithm(all.get(token) ?? 0), top: likely }
}

function logarithm(probability: number): number {
  return probability > 0 ? Math.min(0, Math.log(probability)) : NEVER
}
