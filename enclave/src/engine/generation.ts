import { AnswerText } from './answer-text.ts'
import { ABORTED, beforeAbort } from './before-abort.ts'
import type { GenerateResult } from './engine.ts'
import type { LlamaSlot, Sampling } from './llama-slot.ts'

/** Everything one answer needs. */
export interface Generation<Token> {
  readonly slot: LlamaSlot<Token>
  /** At least one token. */
  readonly prompt: readonly Token[]
  /** Most tokens to generate. */
  readonly limit: number
  readonly sampling: Sampling
  readonly stop: readonly string[]
  readonly bytesOf: (token: Token) => Uint8Array
}

/** A prompt is evaluated in parts, so that an abort waits for one part at most and short requests get turns. */
const PROMPT_PART_TOKENS = 256

/** Evaluates the prompt and generates; ends as soon as the signal is aborted. */
export async function* generateAnswer<Token>(
  generation: Generation<Token>,
  signal: AbortSignal,
): AsyncGenerator<string, GenerateResult> {
  const { slot, prompt, limit, sampling, stop, bytesOf } = generation
  const answer = new AnswerText(stop)
  let inputTokens = 0
  const result = (finish: GenerateResult['finish']): GenerateResult => ({
    finish,
    inputTokens,
    outputTokens: finish === 'aborted' ? answer.delivered : answer.generated,
  })

  for (; prompt.length - inputTokens > PROMPT_PART_TOKENS; inputTokens += PROMPT_PART_TOKENS) {
    const part = prompt.slice(inputTokens, inputTokens + PROMPT_PART_TOKENS)
    if ((await beforeAbort(signal, () => slot.feed(part))) === ABORTED) return result('aborted')
  }
  slot.begin(prompt.slice(inputTokens), sampling)
  let finish: 'stop' | 'length' = 'length'
  while (answer.generated < limit) {
    const token = await beforeAbort(signal, () => slot.next())
    if (token === ABORTED) return result('aborted')
    inputTokens = prompt.length
    if (token === undefined) {
      finish = 'stop'
      break
    }
    const { text, stopped } = answer.push(bytesOf(token))
    if (text !== '') yield text
    if (stopped) return result('stop')
  }
  const rest = answer.end()
  if (rest !== '') yield rest
  return result(finish)
}
