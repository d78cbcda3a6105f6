import { modelIdOf } from '@jeju/verifier/protocol'
import { EngineError } from '../engine/engine-error.ts'
import type { Engine, GenerateRequest } from '../engine/engine.ts'
import type { Exchange } from '../exchange/exchange.ts'
import { NodeError } from '../http/node-error.ts'
import type { Logger } from '../logging.ts'
import type { Authorised, Authoriser } from '../payment/authorise.ts'
import type { Work } from '../readiness.ts'
import { openAnswerStream } from './answer-stream.ts'
import { answerFrames, answerWhole, type JsonAnswer } from './chat-answer.ts'
import { createChatJob, type ChatJobParts } from './chat-job.ts'
import { parseChatRequest, type ChatRequest } from './chat-request.ts'
import { outputBudget } from './token-budget.ts'

/** An answer under way; `receiptId` is the authorisation's hash, known before the receipt exists. */
export type ChatAnswer = { readonly receiptId: string } & (
  | ({ readonly kind: 'whole' } & JsonAnswer)
  | { readonly kind: 'stream'; readonly body: ReadableStream<Uint8Array<ArrayBuffer>> }
)

/** A chat completion request as it came. */
export interface RawChatRequest {
  readonly authorization: string | undefined
  readonly method: string
  readonly path: string
  readonly body: Uint8Array
  /** The bytes on the wire; where nobody keeps one, they are those of `body`. */
  readonly exchange?: Exchange | undefined
  /** Aborted when the connection is gone. */
  readonly signal: AbortSignal
}

/** Serves chat completions: authorise, read, bound, take, infer. The order is that of docs/protocol.md §5. */
export interface ChatService {
  /** Ends `work` when the last byte of the answer is made, or with a throw. */
  complete(request: RawChatRequest, work: Work): Promise<ChatAnswer>
}

/** Collaborators of {@link createChatService}. */
export interface ChatServiceParts extends ChatJobParts {
  readonly engine: Engine
  readonly authoriser: Authoriser
  readonly logger: Logger
}

/** A chat service for one engine and binding. */
export function createChatService(service: ChatServiceParts): ChatService {
  const { engine, authoriser, logger } = service
  const answer = async (raw: RawChatRequest, work: Work): Promise<ChatAnswer> => {
    const { authorization, method, path, body, exchange } = raw
    const sent = exchange?.sent ?? body
    const authorised = await authoriser.check(authorization, method, path, sent)
    exchange?.authorised(authorised.authHash)
    const request = parseChatRequest(body)
    const generate = generateRequest(engine, request, authorised)
    await authoriser.take(authorised)
    const left = new AbortController()
    const gone = AbortSignal.any([raw.signal, left.signal])
    const job = createChatJob(service, authorised, exchange)
    const parts = { engine, generate, job, gone, cut: work.cut }
    const receiptId = authorised.authHash
    if (!request.stream) {
      const whole = await answerWhole(parts)
      work.end()
      return { kind: 'whole', receiptId, ...whole }
    }
    const stream = await openAnswerStream(answerFrames(parts, request.includeUsage), {
      gone: left,
      drop: work.drop,
      failed: (error) => logger.error({ receiptId, reason: nameOf(error) }, 'stream failed'),
      ended: work.end,
    })
    return { kind: 'stream', receiptId, body: stream }
  }
  return {
    complete: async (raw, work) => {
      try {
        return await answer(raw, work)
      } catch (error) {
        work.end()
        throw error
      }
    },
  }
}

/** The request within what the service offers, the context holds and the authorisation pays for. */
function generateRequest(
  engine: Engine,
  request: ChatRequest,
  { price, signed }: Authorised,
): GenerateRequest {
  const { messages, stop, temperature, topP, seed } = request
  if (request.model !== engine.descriptor.id) {
    throw new NodeError(
      'model_not_found',
      `model: this node serves ${engine.descriptor.id} (${modelIdOf(engine.descriptor)})`,
      'model',
    )
  }
  const promptTokens = engine.countPromptTokens(messages)
  const { contextTokens } = engine
  return {
    messages,
    maxTokens: outputBudget(
      price,
      signed.auth.maxFee,
      promptTokens,
      contextTokens,
      request.maxTokens,
    ),
    stop,
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { topP }),
    ...(seed === undefined ? {} : { seed }),
  }
}

function nameOf(error: unknown): string {
  if (error instanceof EngineError) return error.code
  return error instanceof Error ? error.name : ''
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
