import { modelIdOf } from '@jeju/verifier/protocol'
import type { EngineError } from '../engine/engine-error.ts'
import type { Engine } from '../engine/engine.ts'
import { NodeError } from '../http/node-error.ts'
import type { Authoriser } from '../payment/authorise.ts'
import { answerFrames, answerWhole, type JsonAnswer } from './chat-answer.ts'
import { createChatJob, type ChatJobParts } from './chat-job.ts'
import { parseChatRequest } from './chat-request.ts'
import { outputBudget } from './token-budget.ts'

/** An answer under way; `receiptId` is the authorisation's hash, known before the receipt exists. */
export type ChatAnswer = { readonly receiptId: string } & (
  | ({ readonly kind: 'whole' } & JsonAnswer)
  | { readonly kind: 'stream'; readonly frames: AsyncGenerator<Uint8Array<ArrayBuffer>, void> }
)

/** A chat completion request as it came. */
export interface RawChatRequest {
  readonly authorization: string | undefined
  readonly method: string
  readonly path: string
  readonly body: Uint8Array
  readonly signal: AbortSignal
}

/** Serves chat completions: authorise, read, bound, take, infer. The order is that of docs/protocol.md §5. */
export interface ChatService {
  complete(request: RawChatRequest): Promise<ChatAnswer>
}

/** A chat service for one engine and binding. */
export function createChatService(
  engine: Engine,
  authoriser: Authoriser,
  jobParts: ChatJobParts,
): ChatService {
  return {
    complete: async ({ authorization, method, path, body, signal }) => {
      const authorised = await authoriser.check(authorization, method, path, body)
      const request = parseChatRequest(body)
      if (request.model !== engine.descriptor.id) {
        throw new NodeError(
          'model_not_found',
          `model: this node serves ${engine.descriptor.id} (${modelIdOf(engine.descriptor)})`,
          'model',
        )
      }
      const maxTokens = outputBudget(
        authorised.price,
        authorised.signed.auth.maxFee,
        engine.countPromptTokens(request.messages),
        engine.contextTokens,
        request.maxTokens,
      )
      await authoriser.take(authorised)
      const parts = {
        engine,
        generate: {
          messages: request.messages,
          maxTokens,
          stop: request.stop,
          ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
          ...(request.topP === undefined ? {} : { topP: request.topP }),
          ...(request.seed === undefined ? {} : { seed: request.seed }),
        },
        job: createChatJob(jobParts, authorised),
        signal,
      }
      const receiptId = authorised.authHash
      if (request.stream) {
        return { kind: 'stream', receiptId, frames: answerFrames(parts, request.includeUsage) }
      }
      return { kind: 'whole', receiptId, ...(await answerWhole(parts)) }
    },
  }
}

/** The engine's refusals as a node's. */
export function nodeErrorOf(error: EngineError): NodeError {
  switch (error.code) {
    case 'PROMPT_TOO_LONG':
      return new NodeError('context_length_exceeded', error.message, 'messages')
    case 'ENGINE_BUSY':
      return new NodeError('engine_busy', 'too many requests are waiting')
    case 'MODEL_DIGEST_MISMATCH':
    case 'MODEL_UNREADABLE':
    case 'ENGINE_FAILED':
      return new NodeError('engine_failed', 'inference failed')
  }
}
