import type { ModelDescriptor } from '@jeju/verifier/protocol'

/** One message of a conversation. `content` is data: nothing in it acts as a control token. */
export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string
}

/** What to generate. */
export interface GenerateRequest {
  readonly messages: readonly ChatMessage[]
  /** Upper bound of generated tokens, at least 1. */
  readonly maxTokens: number
  /** 0 (the default) takes the most likely token each time; then `topP` and `seed` have no effect. */
  readonly temperature?: number
  /** In (0, 1]; 1 by default. */
  readonly topP?: number
  /** Whole number; taken modulo 2^32. Drawn at random when left out. */
  readonly seed?: number
  /** The answer ends before the first of these. */
  readonly stop?: readonly string[]
}

/** How an answer ended and what it took. */
export interface GenerateResult {
  readonly finish: 'stop' | 'length' | 'aborted'
  /** Tokens of the rendered prompt that were evaluated. */
  readonly inputTokens: number
  /** Tokens generated, without the token that ends a turn; of an aborted answer those whose text was handed out. */
  readonly outputTokens: number
}

/** A loaded model that answers conversations. */
export interface Engine {
  /** The catalogue entry of this model (docs/protocol.md §3). */
  readonly descriptor: ModelDescriptor
  /** Tokens that prompt and answer of one request share. */
  readonly contextTokens: number
  /** Tokens that these messages become, as `generate` will evaluate them. */
  countPromptTokens(messages: readonly ChatMessage[]): number
  /**
   * Yields pieces of text, each whole UTF-8, and returns the counts. An aborted signal ends it with
   * `finish: 'aborted'`; it does not throw.
   *
   * @throws {EngineError} `PROMPT_TOO_LONG`, `ENGINE_BUSY` or `ENGINE_FAILED`
   */
  generate(request: GenerateRequest, signal: AbortSignal): AsyncGenerator<string, GenerateResult>
  /** Ends what runs as aborted, refuses what waits, and frees the model. */
  close(): Promise<void>
}
