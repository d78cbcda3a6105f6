import { randomUUID } from 'node:crypto'
import { modelIdOf, utf8 } from '@jeju/verifier/protocol'
import { EngineError } from '../engine/engine-error.ts'
import type { Admission, Engine, GenerateRequest, PreparedPrompt } from '../engine/engine.ts'
import type { Exchange } from '../exchange/exchange.ts'
import { NodeError } from '../http/node-error.ts'
import type { Logger } from '../logging.ts'
import type { AnswerMetrics } from '../metrics.ts'
import type { Authorised, Authoriser } from '../payment/authorise.ts'
import type { Work } from '../readiness.ts'
import { answerFrames, answerWhole, receiptHeader, type JsonAnswer } from './answer-frames.ts'
import {
  createAnswerJob,
  orAbandoned,
  type AnswerEnd,
  type AnswerJob,
  type AnswerJobParts,
} from './answer-job.ts'
import { openAnswerStream } from './answer-stream.ts'
import type { EmbeddingsQuestion, Question, TextQuestion } from './question.ts'
import { assertPromptPaid, outputBudget } from './token-budget.ts'
import type { WalletLimits } from './wallet-limits.ts'

/** An answer under way; `receiptId` is the authorisation's hash, known before the receipt exists. */
export type Answer = { readonly receiptId: string } & (
  | ({ readonly kind: 'whole' } & JsonAnswer)
  | { readonly kind: 'stream'; readonly body: ReadableStream<Uint8Array<ArrayBuffer>> }
)

/** A request for an answer as it came. */
export interface RawRequest {
  readonly authorization: string | undefined
  readonly method: string
  readonly path: string
  readonly body: Uint8Array
  /** The bytes on the wire. */
  readonly exchange: Exchange
  /** Aborted when the connection is gone. */
  readonly signal: AbortSignal
}

/** Serves prompts: authorise, read, bound, admit, take, infer. The order is that of docs/protocol.md §5. */
export interface AnswerService {
  /** Ends `work` when the last byte of the answer is made, or with a throw. */
  answer(request: RawRequest, parse: (body: Uint8Array) => Question, work: Work): Promise<Answer>
}

/** Collaborators of {@link createAnswerService}. */
export interface AnswerServiceParts extends AnswerJobParts {
  readonly engine: Engine
  readonly authoriser: Authoriser
  readonly limits: WalletLimits
  /** Pieces of a stream that are made within so many milliseconds of its last frame leave together. */
  readonly streamIntervalMs: number
  readonly metrics: AnswerMetrics
  readonly logger: Logger
}

/** Longest answer; what is not said by then is not said. */
const MAX_ANSWER_MS = 15 * 60_000

/** One request that may be charged, and what ends with it. */
interface Chargeable {
  readonly raw: RawRequest
  readonly work: Work
  readonly authorised: Authorised
  /** Gives back what was held for this request; more calls change nothing. */
  readonly leave: () => void
}

/** A service for one engine and binding. */
export function createAnswerService(service: AnswerServiceParts): AnswerService {
  const { authoriser, limits } = service
  return {
    answer: async (raw, parse, work) => {
      const leaving: (() => void)[] = [work.end]
      const leave = (): void => {
        for (const end of leaving.splice(0)) end()
      }
      try {
        const { authorization, method, path, body, exchange } = raw
        const authorised = await authoriser.check(
          authorization,
          method,
          path,
          exchange.sent,
          exchange.admitted,
        )
        leaving.push(limits.enter(authorised.signed.auth.channelId))
        // What is refused before leaves no record: refusals cost nothing, and records are few.
        exchange.authorised(authorised.authHash)
        const question = parse(body)
        assertAnswerable(service.engine, question)
        const chargeable = { raw, work, authorised, leave }
        return question.kind === 'text'
          ? await answerText(service, question, chargeable, leaving)
          : await answerEmbeddings(service, question, chargeable, leaving)
      } catch (error) {
        leave()
        throw error
      }
    },
  }
}

async function answerText(
  service: AnswerServiceParts,
  question: TextQuestion,
  chargeable: Chargeable,
  leaving: (() => void)[],
): Promise<Answer> {
  const { engine, authoriser, logger, now, metrics } = service
  const { raw, work, authorised, leave } = chargeable
  const prompts: PreparedPrompt[] = []
  for (const prompt of question.prompts) prompts.push(await engine.prepare(prompt))
  const answers = prompts.length * question.choices
  const request = generateRequest(engine, question, prompts, authorised)
  for (const prompt of prompts) await prompt.check(request)
  const admission = engine.admit(answers)
  leaving.push(() => admission.release())
  const left = new AbortController()
  const gone = AbortSignal.any([raw.signal, left.signal])
  const name = {
    id: randomUUID().replaceAll('-', ''),
    created: Math.floor(now().getTime() / 1000),
    model: engine.descriptor.id,
  }
  const writer = question.writer(name)
  const parts = {
    generate: (signal: AbortSignal) =>
      prompts.flatMap((prompt) =>
        Array.from({ length: question.choices }, (_, index) =>
          prompt.generate(seeded(request, index), signal),
        ),
      ),
    perPrompt: question.choices,
    promptTokens: sum(prompts.map(({ tokens }) => tokens.atLeast)),
    writer,
    name,
    job: countedJob(service, authorised, raw, writer.id),
    gone,
    cut: AbortSignal.any([work.cut, AbortSignal.timeout(MAX_ANSWER_MS)]),
    began: once(metrics.began(raw.path)),
  }
  const receiptId = authorised.authHash
  const { onDisk: taken } = await authoriser.take(authorised)
  return orAbandoned({ taken, job: parts.job }, async () => {
    if (!question.stream) {
      const whole = await answerWhole({ ...parts, taken })
      leave()
      return { kind: 'whole', receiptId, ...whole }
    }
    const body = await openAnswerStream(
      answerFrames({ ...parts, taken, intervalMs: service.streamIntervalMs }),
      {
        gone: left,
        drop: work.drop,
        failed: (error) => logger.error({ receiptId, reason: nameOf(error) }, 'stream failed'),
        ended: leave,
      },
    )
    return { kind: 'stream', receiptId, body }
  })
}

async function answerEmbeddings(
  service: AnswerServiceParts,
  question: EmbeddingsQuestion,
  { raw, work, authorised, leave }: Chargeable,
  leaving: (() => void)[],
): Promise<Answer> {
  const { engine, authoriser } = service
  const prepared = await engine.prepareEmbeddings(question.texts)
  assertPromptPaid(authorised.price, authorised.signed.auth.maxFee, prepared.tokens.atMost)
  const admission: Admission = engine.admit(1)
  leaving.push(() => admission.release())
  const job = countedJob(service, authorised, raw)
  const { onDisk: taken } = await authoriser.take(authorised)
  return orAbandoned({ taken, job }, async () => {
    await taken
    // A client that leaves changes nothing: it is computed all the same, and owed (attack N2).
    const embeddings = await prepared.embed(work.cut)
    const body = utf8(question.write(engine.descriptor.id, embeddings))
    job.cover(body)
    const { inputTokens } = embeddings
    const receipt = await job.conclude({ inputTokens, outputTokens: 0, finish: 'stop' })
    leave()
    return {
      kind: 'whole',
      receiptId: authorised.authHash,
      body,
      receiptHeader: receiptHeader(receipt),
    }
  })
}

function assertAnswerable(engine: Engine, { model, needs }: Question): void {
  if (model !== engine.descriptor.id) {
    throw new NodeError(
      'model_not_found',
      `model: this node serves ${engine.descriptor.id} (${modelIdOf(engine.descriptor)})`,
      'model',
    )
  }
  const missing = needs.find(({ feature }) => !engine.features.has(feature))
  if (missing !== undefined) {
    const { field } = missing
    throw new NodeError('unsupported_field', `${field}: not supported by this engine`, field)
  }
}

/** The request within what the service offers, the context holds and the authorisation pays for. */
function generateRequest(
  engine: Engine,
  question: TextQuestion,
  prompts: readonly PreparedPrompt[],
  { price, signed }: Authorised,
): GenerateRequest {
  const { maxFee, channelId } = signed.auth
  const maxTokens = outputBudget(
    {
      price,
      maxFee,
      prompts: { atMost: sum(prompts.map(({ tokens }) => tokens.atMost)) },
      longestPrompt: Math.max(...prompts.map(({ tokens }) => tokens.atLeast)),
      contextTokens: engine.contextTokens,
      answers: prompts.length * question.choices,
      asked: question.maxTokens,
    },
    question.promptField,
  )
  return { ...question.options, maxTokens, owner: channelId }
}

/** Several answers to one prompt differ, also where a seed makes each of them the same again. */
function seeded(request: GenerateRequest, index: number): GenerateRequest {
  const { seed } = request
  return seed === undefined || index === 0 ? request : { ...request, seed: seed + index }
}

/** A job that also shows in the metrics. */
function countedJob(
  service: AnswerServiceParts,
  authorised: Authorised,
  { path, exchange }: RawRequest,
  answerId?: string,
): AnswerJob {
  const job = createAnswerJob(service, authorised, exchange, answerId)
  return {
    ...job,
    conclude: (end: AnswerEnd) => {
      service.metrics.concluded(path, end)
      return job.conclude(end)
    },
  }
}

function once(call: () => void): () => void {
  let called = false
  return () => {
    if (!called) call()
    called = true
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
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
    case 'PROMPT_REFUSED':
      return new NodeError('invalid_request', error.message, fieldOf(error))
    case 'FORM_UNSUPPORTED':
      return new NodeError('unsupported_field', error.message, fieldOf(error))
    case 'ENGINE_BUSY':
      return new NodeError('engine_busy', 'too many requests are waiting')
    case 'MODEL_DIGEST_MISMATCH':
    case 'MODEL_UNREADABLE':
    case 'UPSTREAM_MISMATCH':
    case 'ENGINE_FAILED':
      return new NodeError('engine_failed', 'inference failed')
  }
}

/** Such a text begins with its place. */
function fieldOf({ message }: EngineError): string {
  return message.slice(0, message.indexOf(':'))
}
