import {
  DONE_FRAME,
  encodeComputeReceipt,
  receiptFrame,
  toBase64Url,
  utf8,
} from '@jeju/verifier/protocol'
import type { Engine, GenerateRequest, GenerateResult } from '../engine/engine.ts'
import type { ChatJob } from './chat-job.ts'
import { answerBody, createChunks, type Chunks } from './openai-answer.ts'

/** What both kinds of answer need. */
export interface AnswerParts {
  readonly engine: Engine
  readonly generate: GenerateRequest
  readonly job: ChatJob
  /** Aborted when nobody takes the answer any more. */
  readonly gone: AbortSignal
  /** Aborted when the answer must end where it is. */
  readonly cut: AbortSignal
}

/** A whole answer with its receipt for the header. */
export interface JsonAnswer {
  readonly body: Uint8Array<ArrayBuffer>
  readonly receiptHeader: string
}

type Generation = ReturnType<Engine['generate']>
type Step = IteratorResult<string, GenerateResult>

/**
 * Infers, then concludes: the receipt covers exactly the bytes of the body. A client that leaves ends the inference
 * and owes what was made until then.
 */
export async function answerWhole(parts: AnswerParts): Promise<JsonAnswer> {
  const { engine, job } = parts
  const generation = generate(parts, parts.gone)
  let content = ''
  let step = await firstStep(generation, job)
  try {
    for (; step.done !== true; step = await generation.next()) content += step.value
  } catch (error) {
    await job.abandon()
    throw error
  }
  const name = { id: job.id, created: job.created, model: engine.descriptor.id }
  const body = utf8(answerBody(name, content, step.value))
  job.cover(body)
  const receipt = await job.conclude(step.value)
  return { body, receiptHeader: toBase64Url(utf8(encodeComputeReceipt(receipt))) }
}

/**
 * Frames of a streamed answer. Before the first one, a failure of the engine is nobody's cost. After it every exit
 * concludes the job over the frames handed out: the end, an engine failure, and a reader who goes away (attacks N2, E4).
 */
export async function* answerFrames(
  parts: AnswerParts,
  includeUsage: boolean,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  const { engine, job, gone } = parts
  const chunk = { id: job.id, created: job.created, model: engine.descriptor.id }
  const chunks = createChunks(chunk, includeUsage)
  const covered = (frame: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => {
    job.cover(frame)
    return frame
  }
  // Ends the engine when the reader returns between two pieces.
  const stop = new AbortController()
  const generation = generate(parts, AbortSignal.any([gone, stop.signal]))
  let step = await firstStep(generation, job)
  let finish: 'aborted' | 'error' = 'aborted'
  let concluded = false
  try {
    yield covered(chunks.opening)
    for (; step.done !== true && !gone.aborted; step = await generation.next()) {
      yield covered(chunks.piece(step.value))
    }
    if (step.done !== true || gone.aborted) return
    concluded = true
    yield* lastFrames(chunks, step.value, parts)
  } catch (error) {
    finish = 'error'
    throw error
  } finally {
    if (!concluded) {
      stop.abort()
      await job.conclude({ ...(await delivered(generation, step)), finish })
    }
  }
}

/** The end of a stream. Signed before any of its bytes leave (attack E15). */
async function* lastFrames(
  chunks: Chunks,
  end: GenerateResult,
  { engine, job }: AnswerParts,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  const last = chunks.ending(end)
  job.cover(last)
  const receipt = await job.conclude(end)
  yield last
  yield receiptFrame(receipt, { id: job.id, created: job.created, model: engine.descriptor.id })
  yield utf8(DONE_FRAME)
}

function generate({ engine, generate: request, cut }: AnswerParts, gone: AbortSignal): Generation {
  return engine.generate(request, AbortSignal.any([gone, cut]))
}

/** Until the first piece nothing was answered, so a failure charges nothing. */
async function firstStep(generation: Generation, job: ChatJob): Promise<Step> {
  try {
    return await generation.next()
  } catch (error) {
    await job.abandon()
    throw error
  }
}

/** Counts of a generation that was left: the engine states them when it is asked for the rest. */
async function delivered(
  generation: Generation,
  reached: Step,
): Promise<Omit<GenerateResult, 'finish'>> {
  try {
    let step = reached
    while (step.done !== true) step = await generation.next()
    return counts(step.value)
  } catch {
    return counts(undefined)
  }
}

/** A generator that failed has nothing to say of its counts, and nothing is charged. */
function counts(end: GenerateResult | undefined): Omit<GenerateResult, 'finish'> {
  return { inputTokens: end?.inputTokens ?? 0, outputTokens: end?.outputTokens ?? 0 }
}
