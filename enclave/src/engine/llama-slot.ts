import { EngineError } from './engine-error.ts'
import type { StepTurns } from './step-turns.ts'

/** How the next token is chosen. */
export interface Sampling {
  readonly temperature: number
  readonly topP: number
  readonly seed: number
}

/** A token that was drawn. */
export interface DrawnToken<Token> {
  readonly token: Token
  /** By falling probability; only where probabilities were asked for. */
  readonly probabilities?: ReadonlyMap<Token, number>
}

/** The part of a node-llama-cpp context sequence that a slot uses. */
export interface Sequence<Token, Grammar> {
  readonly nextTokenIndex: number
  evaluateWithoutGeneratingNewTokens(tokens: Token[]): Promise<void>
  evaluateWithMetadata(
    tokens: Token[],
    metadata: { readonly probabilities: boolean },
    options: Sampling & { topK: number; grammarEvaluationState?: Grammar },
  ): AsyncGenerator<DrawnToken<Token>, void>
  eraseContextTokenRanges(ranges: { start: number; end: number }[]): Promise<void>
}

/**
 * One place of the model's context, used by one request at a time. It works with `evaluate` and not with
 * the library's chat or completion classes: those trim prompts, shift the context and count in their own way, while
 * here every evaluated and every generated token is seen, so that what is charged is what was done. What was evaluated
 * is kept for the next request of the same owner, and of nobody else (attack E10).
 */
export class LlamaSlot<Token, Grammar> {
  readonly #sequence: Sequence<Token, Grammar>
  readonly #turns: StepTurns
  #answer: AsyncGenerator<DrawnToken<Token>, void> | undefined
  /** The native step under way; it cannot be interrupted, only waited for. */
  #step: Promise<unknown> = Promise.resolve()
  /** Whose tokens are in the context; undefined when they are nobody's. */
  #owner: string | undefined
  /** Tokens that were evaluated, in order; a token that was drawn counts when the next one is. */
  #evaluated: Token[] = []
  #pending: readonly Token[] = []
  /** Whether the next step evaluates a token that was drawn, and not the end of the prompt. */
  #hasDrawn = false

  /** Slots of one context share their turns. */
  constructor(sequence: Sequence<Token, Grammar>, turns: StepTurns) {
    this.#sequence = sequence
    this.#turns = turns
  }

  /** Tokens of this prompt that need not be evaluated again for this owner; never all of them. */
  reusable(owner: string | undefined, prompt: readonly Token[]): number {
    if (owner === undefined || owner !== this.#owner) return 0
    const most = Math.min(this.#evaluated.length, prompt.length - 1)
    let same = 0
    while (same < most && this.#evaluated[same] === prompt[same]) same++
    return same
  }

  /** Whether nothing of anybody is kept here. */
  get empty(): boolean {
    return this.#evaluated.length === 0
  }

  /** Begins a request: forgets everything but the beginning it shares with this owner's last one. Returns its length. */
  async reuse(owner: string | undefined, prompt: readonly Token[]): Promise<number> {
    const kept = this.reusable(owner, prompt)
    await this.#track(this.#eraseFrom(kept))
    this.#owner = owner
    return kept
  }

  /** Evaluates tokens of the prompt. */
  async feed(tokens: readonly Token[]): Promise<void> {
    await this.#track(this.#sequence.evaluateWithoutGeneratingNewTokens([...tokens]))
    this.#evaluated.push(...tokens)
  }

  /** Takes the last tokens of the prompt; `next` evaluates them and gives the tokens that follow. */
  begin(
    tokens: readonly Token[],
    sampling: Sampling,
    options: { readonly probabilities?: boolean; readonly grammar?: Grammar } = {},
  ): void {
    this.#pending = tokens
    this.#hasDrawn = false
    const { probabilities = false, grammar } = options
    // topK 0: no cut besides topP.
    const all = { ...sampling, topK: 0 }
    this.#answer = this.#sequence.evaluateWithMetadata(
      [...tokens],
      { probabilities },
      grammar === undefined ? all : { ...all, grammarEvaluationState: grammar },
    )
  }

  /** The next token of the answer; undefined when the model ends its turn. */
  async next(): Promise<DrawnToken<Token> | undefined> {
    const answer = this.#answer
    if (!answer) throw new EngineError('ENGINE_FAILED', 'slot: next before begin')
    const isPrompt = !this.#hasDrawn
    this.#hasDrawn = true
    // The end of a prompt is long, and keeps no other answer waiting.
    const step = await this.#track(isPrompt ? answer.next() : this.#turns.take(() => answer.next()))
    this.#evaluated.push(...this.#pending)
    this.#pending = []
    if (step.done === true) return undefined
    this.#pending = [step.value.token]
    return step.value
  }

  /** Resolves when the step that was asked for last is being evaluated. */
  get begun(): Promise<void> {
    return this.#turns.begun
  }

  /** Ends the request, after the step under way. What belongs to nobody is forgotten at once. */
  async rest(): Promise<void> {
    await this.#step.catch(() => undefined)
    await this.#answer?.return()
    this.#answer = undefined
    this.#pending = []
    if (this.#owner === undefined || this.#sequence.nextTokenIndex !== this.#evaluated.length) {
      await this.clear()
    }
  }

  /**
   * Forgets everything, after the step under way.
   *
   * @throws {EngineError} `ENGINE_FAILED` when something is left: the slot must not be used again
   */
  async clear(): Promise<void> {
    await this.#step.catch(() => undefined)
    await this.#answer?.return()
    this.#answer = undefined
    this.#owner = undefined
    await this.#eraseFrom(0)
  }

  async #eraseFrom(start: number): Promise<void> {
    const end = this.#sequence.nextTokenIndex
    if (start < end) await this.#sequence.eraseContextTokenRanges([{ start, end }])
    this.#evaluated.length = Math.min(this.#evaluated.length, start)
    if (this.#sequence.nextTokenIndex !== start) {
      const left = this.#sequence.nextTokenIndex
      throw new EngineError('ENGINE_FAILED', `slot: expected ${start} tokens left, actual ${left}`)
    }
  }

  #track<T>(step: Promise<T>): Promise<T> {
    this.#step = step
    return step
  }
}
