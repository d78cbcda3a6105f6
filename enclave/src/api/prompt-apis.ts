import type { PromptPath } from '@jeju/verifier/protocol'
import { messagesApi } from './anthropic/messages-request.ts'
import { chatApi } from './openai/chat-request.ts'
import { completionApi } from './openai/completion-request.ts'
import { embeddingsApi } from './openai/embeddings-request.ts'
import { responsesApi } from './openai/responses-request.ts'
import type { PromptApi } from './prompt-api.ts'

/** Every endpoint that takes a prompt. */
export const PROMPT_APIS: Readonly<Record<PromptPath, PromptApi>> = {
  '/v1/chat/completions': chatApi,
  '/v1/completions': completionApi,
  '/v1/embeddings': embeddingsApi,
  '/v1/responses': responsesApi,
  '/v1/messages': messagesApi,
}
