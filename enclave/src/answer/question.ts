import type { Embeddings, EngineFeature, GenerateRequest } from '../engine/engine.ts'
import type { Prompt } from '../engine/prompt.ts'
import type { AnswerName, AnswerWriter } from './answer-writer.ts'

/** Something that not every engine can do, and the field that asks for it. */
export interface Need {
  readonly feature: EngineFeature
  readonly field: string
}

/** What every request for an answer says. */
interface Asked {
  readonly model: string
  readonly needs: readonly Need[]
}

/** A request for generated text. */
export interface TextQuestion extends Asked {
  readonly kind: 'text'
  /** At least one; each is answered `choices` times. */
  readonly prompts: readonly Prompt[]
  readonly choices: number
  /** As asked, for each answer; undefined leaves the bound to price, fee and context. */
  readonly maxTokens: number | undefined
  readonly options: Omit<GenerateRequest, 'maxTokens' | 'owner'>
  readonly stream: boolean
  /** Field that holds the prompts, for refusals. */
  readonly promptField: string
  readonly writer: (name: AnswerName) => AnswerWriter
}

/** A request for vectors. */
export interface EmbeddingsQuestion extends Asked {
  readonly kind: 'embeddings'
  readonly texts: readonly string[]
  readonly write: (model: string, embeddings: Embeddings) => string
}

/** What a request body asks, whatever API it is written for. */
export type Question = TextQuestion | EmbeddingsQuestion
