import type { StreamKind } from '@jeju/verifier/protocol'
import type { AnswerPart, GenerateResult, TokenLogprob } from '../engine/engine.ts'
import type { ToolCall } from '../engine/prompt.ts'

/** What an answer is called in every document and frame of it. */
export interface AnswerName {
  /** Unguessable, without the prefix that an API puts before it. */
  readonly id: string
  /** Unix seconds. */
  readonly created: number
  readonly model: string
}

/** One answer among several, when it is over. */
export interface FinishedChoice {
  readonly text: string
  readonly toolCalls: readonly ToolCall[]
  readonly logprobs: readonly TokenLogprob[]
  readonly end: GenerateResult
}

/** Everything that was answered, and what it took. */
export interface FinishedAnswer {
  readonly choices: readonly FinishedChoice[]
  readonly usage: Usage
}

/** Tokens of a whole answer, as they are signed and charged. */
export interface Usage {
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cachedTokens: number
}

/** Writes one answer as an API's documents or frames. Frames are whole, and end with an empty line. */
export interface AnswerWriter {
  /** Grammar of its stream (docs/protocol.md §6). */
  readonly kind: StreamKind
  /** Id with the API's prefix; the receipt's frame repeats it. */
  readonly id: string
  whole(answer: FinishedAnswer): string
  /** Frames before the first part. */
  opening(inputTokens: number): string
  /** Frames of a part; empty where it changes nothing. */
  part(choice: number, part: AnswerPart): string
  /** Frames when one choice is over. */
  ended(choice: number, finished: FinishedChoice): string
  /** Frames when all of them are. */
  closing(answer: FinishedAnswer): string
}
