import { AnswerText } from './answer-text.ts'
import { ABORTED, BeforeAbort } from './before-abort.ts'
import type { AnswerPart, GenerateResult, TokenLogprob } from './engine.ts'
import type { DrawnToken, LlamaSlot, Sampling } from './llama-slot.ts'
import { tokenLogprob } from './token-logprobs.ts'

/** Everything one answer needs. */
export interface Generation<Token, Grammar> {
  readonly slot: LlamaSlot<Token, Grammar>
  readonly owner: string | undefined
  /** At least one token. */
  readonly prompt: readonly Token[]
  /** Most tokens to generate; at least one. */
  readonly limit: number
  readonly sampling: Sampling
  readonly stop: readonly string[]
  readonly bytesOf: (token: Token) => Uint8Array
  /** Keeps the answer's tokens within a form; at its beginning. */
  readonly grammar?: Grammar
  /** Alternatives to state for each token. */
  readonly logprobs?: number
}

/** A piece of the answer's text. */
export type TextPart = Extract<AnswerPart, { type: 'text' }>

/** A prompt is evaluated in parts, so that an abort waits for one part at most and short requests get turns. */
const PROMPT_PART_TOKENS = 256

/** Evaluates the prompt and generates; ends as soon as the signal is aborted. */
export async function* generateAnswer<Token, Grammar>(
  generation: Generation<Token, Grammar>,
  signal: AbortSignal,
): AsyncGenerator<TextPart, GenerateResult> {
  const beforeAbort = new BeforeAbort(signal)
  try {
    return yield* generate(generation, beforeAbort)
  } finally {
    beforeAbort.end()
  }
}

async function* generate<Token, Grammar>(
  generation: Generation<Token, Grammar>,
  beforeAbort: BeforeAbort,
): AsyncGenerator<TextPart, GenerateResult> {
  const { slot, owner, prompt, limit, sampling, stop, bytesOf, grammar, logprobs } = generation
  const answer = new AnswerText(stop)
  const likelihoods: TokenLogprob[] = []
  let handedOut = 0
  const part = (text: string): TextPart => {
    const tokens = answer.delivered - handedOut
    handedOut += tokens
    const stated = logprobs === undefined ? {} : { logprobs: likelihoods.splice(0, tokens) }
    return { type: 'text', text, tokens, ...stated }
  }

  const reused = await beforeAbort.wait(() => slot.reuse(owner, prompt))
  let inputTokens = reused === ABORTED ? 0 : reused
  const cachedTokens = inputTokens
  const result = (finish: GenerateResult['finish'], stopString?: string): GenerateResult => ({
    finish,
    inputTokens,
    outputTokens: finish === 'aborted' ? answer.delivered : answer.generated,
    ...(cachedTokens === 0 ? {} : { cachedTokens }),
    ...(stopString === undefined ? {} : { stopString }),
  })
  if (reused === ABORTED) return result('aborted')

  for (; prompt.length - inputTokens > PROMPT_PART_TOKENS; inputTokens += PROMPT_PART_TOKENS) {
    const fed = prompt.slice(inputTokens, inputTokens + PROMPT_PART_TOKENS)
    if ((await beforeAbort.wait(() => slot.feed(fed))) === ABORTED) return result('aborted')
  }
  slot.begin(prompt.slice(inputTokens), sampling, {
    probabilities: logprobs !== undefined,
    ...(grammar === undefined ? {} : { grammar }),
  })
  let finish: 'stop' | 'length' = 'length'
  for (let step: Step<Token> | undefined = stepOf(slot); step !== undefined;) {
    const pending = step
    const drawn = await beforeAbort.wait(() => pending)
    if (drawn === ABORTED) return result('aborted')
    inputTokens = prompt.length
    if (drawn === undefined) {
      finish = 'stop'
      break
    }
    if (logprobs !== undefined) likelihoods.push(tokenLogprob(drawn, logprobs, bytesOf))
    const { text, stopped, stop: met } = answer.push(bytesOf(drawn.token))
    // The engine makes the next token while this one is written and sent; one alone, so that a slow reader slows it.
    step = stopped || answer.generated >= limit ? undefined : stepOf(slot)
    if (step !== undefined) await slot.begun
    if (text !== '') yield part(text)
    if (stopped) return result('stop', met)
  }
  const rest = answer.end()
  if (rest !== '') yield part(rest)
  return result(finish)
}

type Step<Token> = Promise<DrawnToken<Token> | undefined>

/** Starts a step. Where nobody waits for it any more, the slot does (`LlamaSlot.rest`), and its failure is nobody's. */
function stepOf<Token, Grammar>(slot: LlamaSlot<Token, Grammar>): Step<Token> {
  const step = slot.next()
  step.catch(() => undefined)
  return step
}
