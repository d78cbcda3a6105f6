import type { z } from 'zod'
import type { Question } from '../answer/question.ts'

/** How an endpoint's bodies are read. */
export interface PromptApi {
  readonly summary: string
  /** What `parse` accepts, for the OpenAPI document. */
  readonly schema: z.ZodType
  /** @throws NodeError `invalid_request`, `unsupported_field`, `session_not_accepted` */
  readonly parse: (body: Uint8Array) => Question
}
