import type { ModelDescriptor } from '@jeju/verifier/protocol'
import type { AnswerForm, Prompt, ToolChoice } from './prompt.ts'

/** What not every engine can do; a request that needs more is refused by the field's name. */
export type EngineFeature =
  | 'completions'
  | 'embeddings'
  | 'images'
  | 'json'
  | 'json_schema'
  | 'logprobs'
  | 'penalties'
  | 'tools'

/** How to answer a prepared prompt. */
export interface GenerateRequest {
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
  /** -2 to 2; 0 by default. */
  readonly frequencyPenalty?: number
  readonly presencePenalty?: number
  /** Plain text by default. */
  readonly form?: AnswerForm
  /** `auto` by default, where tools are offered. */
  readonly toolChoice?: ToolChoice
  /** At most one call; several by default. */
  readonly singleToolCall?: boolean
  /** How many alternatives to state for each token; no probabilities when left out. */
  readonly logprobs?: number
  /** Who asks. Requests of different owners share nothing of what was evaluated (attack E10). */
  readonly owner?: string
}

/** A token and how likely it was in the distribution it was drawn from. */
export interface TokenProbability {
  /** The token's bytes; not always whole characters. */
  readonly bytes: Uint8Array
  /** Natural logarithm. */
  readonly logprob: number
}

/** A token of an answer, with its likeliest alternatives. */
export interface TokenLogprob extends TokenProbability {
  readonly top: readonly TokenProbability[]
}

/** A piece of an answer; `tokens` are the generated tokens whose whole text it completes. */
export type AnswerPart = { readonly tokens: number } & (
  | {
      readonly type: 'text'
      /** Whole characters. */
      readonly text: string
      readonly logprobs?: readonly TokenLogprob[]
    }
  | {
      readonly type: 'tool_call'
      readonly index: number
      readonly id: string
      readonly name: string
    }
  /** A piece of the JSON text of that call's arguments. */
  | { readonly type: 'tool_arguments'; readonly index: number; readonly text: string }
)

/** How an answer ended and what it took. */
export interface GenerateResult {
  readonly finish: 'stop' | 'length' | 'tool_calls' | 'aborted'
  /** Tokens of the prompt. */
  readonly inputTokens: number
  /** Tokens generated, without the token that ends a turn; of an aborted answer those whose text was handed out. */
  readonly outputTokens: number
  /** Of `inputTokens`, those that were evaluated for an earlier request of the same owner. */
  readonly cachedTokens?: number
  /** The stop string that ended the answer. */
  readonly stopString?: string
}

/** A prompt that the engine has read. */
export interface PreparedPrompt {
  /** Its length in tokens, as far as it is known before it is evaluated. */
  readonly tokens: { readonly atLeast: number; readonly atMost: number }
  /**
   * Says whether such a request can be answered, before anybody is charged for it.
   *
   * @throws {EngineError} `FORM_UNSUPPORTED`; its text begins with the place that cannot be honoured
   */
  check(request: GenerateRequest): Promise<void>
  /**
   * Yields the answer piece by piece, and returns the counts. An aborted signal ends it with `finish: 'aborted'`; it
   * does not throw.
   *
   * @throws {EngineError} `FORM_UNSUPPORTED`, `ENGINE_BUSY` or `ENGINE_FAILED`
   */
  generate(
    request: GenerateRequest,
    signal: AbortSignal,
  ): AsyncGenerator<AnswerPart, GenerateResult>
}

/** Vectors of some texts. */
export interface Embeddings {
  /** Unit length, in the order of the texts. */
  readonly vectors: readonly (readonly number[])[]
  readonly inputTokens: number
}

/** Texts that the engine has read, to be embedded. */
export interface PreparedEmbeddings {
  readonly tokens: PreparedPrompt['tokens']
  /** @throws {EngineError} `ENGINE_FAILED`, also when the signal is aborted */
  embed(signal: AbortSignal): Promise<Embeddings>
}

/** Places that were promised to a request. */
export interface Admission {
  /** Gives them back; more calls change nothing. */
  release(): void
}

/** A loaded model that answers. */
export interface Engine {
  /** The catalogue entry of this model (docs/protocol.md §3). */
  readonly descriptor: ModelDescriptor
  /** Tokens that prompt and answer of one request share. */
  readonly contextTokens: number
  readonly features: ReadonlySet<EngineFeature>
  /** False while what answers is not there; absent where that cannot be. */
  readonly healthy?: boolean
  /** Keeps `healthy` true to the facts until the signal. */
  watch?(signal: AbortSignal): Promise<void>
  /** Answers under way or promised, for the metrics. */
  readonly admitted: number
  /**
   * Promises places for so many answers, before a request is charged for them.
   *
   * @throws {EngineError} `ENGINE_BUSY`
   */
  admit(answers: number): Admission
  /**
   * Reads a prompt. A long one is read in slices, so that others get their turns.
   *
   * @throws {EngineError} `PROMPT_TOO_LONG`, `PROMPT_REFUSED` or `ENGINE_FAILED`
   */
  prepare(prompt: Prompt): Promise<PreparedPrompt>
  /** The same for texts to be embedded. */
  prepareEmbeddings(texts: readonly string[]): Promise<PreparedEmbeddings>
  /** Ends what runs as aborted, refuses what waits, and frees the model. */
  close(): Promise<void>
}
