import { EngineError } from './engine-error.ts'

/** How the next token is chosen. */
export interface Sampling {
  readonly temperature: number
  readonly topP: number
  readonly seed: number
}

/** The part of a node-llama-cpp context sequence that a slot uses. */
export interface Sequence<Token> {
  readonly nextTokenIndex: number
  evaluateWithoutGeneratingNewTokens(tokens: Token[]): Promise<void>
  evaluate(tokens: Token[], options: Sampling & { topK: number }): AsyncGenerator<Token, void>
  clearHistory(): Promise<void>
}

/**
 * One place of the model's context, used by one request at a time. It works with `evaluate` and not with
 * the library's chat or completion classes: those trim prompts, shift the context, reuse prefixes and count
 * in their own way, while here every evaluated and every generated token is seen, so that what is charged
 * is what was done. Nothing of a request is kept for the next one, prefixes neither.
 */
export class LlamaSlot<Token> {
  readonly #sequence: Sequence<Token>
  #answer: AsyncGenerator<Token, void> | undefined
  /** The native step under way; it cannot be interrupted, only waited for. */
  #step: Promise<unknown> = Promise.resolve()

  constructor(sequence: Sequence<Token>) {
    this.#sequence = sequence
  }

  /** Evaluates tokens of the prompt. */
  feed(tokens: readonly Token[]): Promise<void> {
    return this.#track(this.#sequence.evaluateWithoutGeneratingNewTokens([...tokens]))
  }

  /** Takes the last tokens of the prompt; `next` evaluates them and gives the tokens that follow. */
  begin(tokens: readonly Token[], sampling: Sampling): void {
    // topK 0: no cut besides topP.
    this.#answer = this.#sequence.evaluate([...tokens], { ...sampling, topK: 0 })
  }

  /** The next token of the answer; undefined when the model ends its turn. */
  async next(): Promise<Token | undefined> {
    if (!this.#answer) throw new EngineError('ENGINE_FAILED', 'slot: next before begin')
    const step = await this.#track(this.#answer.next())
    return step.done === true ? undefined : step.value
  }

  /**
   * Forgets the request, after the step under way.
   *
   * @throws {EngineError} `ENGINE_FAILED` when something is left: the slot must not be used again
   */
  async clear(): Promise<void> {
    await this.#step.catch(() => undefined)
    await this.#answer?.return()
    this.#answer = undefined
    await this.#sequence.clearHistory()
    if (this.#sequence.nextTokenIndex !== 0) {
      const left = this.#sequence.nextTokenIndex
      throw new EngineError(
        'ENGINE_FAILED',
        `slot: expected 0 tokens after clearing, actual ${left}`,
      )
    }
  }

  #track<T>(step: Promise<T>): Promise<T> {
    this.#step = step
    return step
  }
}
