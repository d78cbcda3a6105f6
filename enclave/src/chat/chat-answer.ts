import {
  DONE_FRAME,
  encodeComputeReceipt,
  receiptFrame,
  toBase64Url,
  utf8,
  type JsonValue,
} from '@jeju/verifier/protocol'
import type { Engine, GenerateRequest } from '../engine/engine.ts'
import type { AnswerEnd, ChatJob } from './chat-job.ts'

/** What both kinds of answer need. */
export interface AnswerParts {
  readonly engine: Engine
  readonly generate: GenerateRequest
  readonly job: ChatJob
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal
}

/** A whole answer with its receipt for the header. */
export interface JsonAnswer {
  readonly body: Uint8Array<ArrayBuffer>
  readonly receiptHeader: string
}

/** Infers, then concludes: the receipt covers exactly the bytes of the body. */
export async function answerWhole(parts: AnswerParts): Promise<JsonAnswer> {
  const { engine, job } = parts
  const { content, end } = await inferWhole(parts)
  const body = utf8(
    JSON.stringify({
      id: job.id,
      object: 'chat.completion',
      created: job.created,
      model: engine.descriptor.id,
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content },
          logprobs: null,
          finish_reason: finishReason(end),
        },
      ],
      usage: usageOf(end),
    }),
  )
  job.cover(body)
  const receipt = await job.conclude(end)
  return { body, receiptHeader: toBase64Url(utf8(encodeComputeReceipt(receipt))) }
}

async function inferWhole({
  engine,
  generate,
  job,
  signal,
}: AnswerParts): Promise<{ readonly content: string; readonly end: AnswerEnd }> {
  let content = ''
  try {
    const generation = engine.generate(generate, signal)
    let step = await generation.next()
    while (step.done !== true) {
      content += step.value
      step = await generation.next()
    }
    return { content, end: step.value }
  } catch (error) {
    await job.abandon()
    throw error
  }
}

/**
 * Frames of a streamed answer. Every exit concludes the job: the end, an engine failure, and a reader who goes away
 * (`return` on the generator), for whom the receipt covers what was handed out (attacks E4, N2).
 */
export async function* answerFrames(
  parts: AnswerParts,
  includeUsage: boolean,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  const { engine, generate, job, signal } = parts
  const chunk = (choices: JsonValue, usage?: JsonValue): Uint8Array<ArrayBuffer> =>
    utf8(
      `data: ${JSON.stringify({
        id: job.id,
        object: 'chat.completion.chunk',
        created: job.created,
        model: engine.descriptor.id,
        choices,
        ...(includeUsage ? { usage: usage ?? null } : {}),
      })}\n\n`,
    )
  const choice = (delta: JsonValue, finish_reason: string | null = null): JsonValue => [
    { index: 0, delta, logprobs: null, finish_reason },
  ]
  const covered = (bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => {
    job.cover(bytes)
    return bytes
  }

  let end: AnswerEnd = { finish: 'aborted', inputTokens: 0, outputTokens: 0 }
  let concluded = false
  // Ends the engine when the reader returns between two pieces.
  const stop = new AbortController()
  const generation = engine.generate(generate, AbortSignal.any([signal, stop.signal]))
  try {
    yield covered(chunk(choice({ role: 'assistant', content: '' })))
    let step = await generation.next()
    while (step.done !== true) {
      yield covered(chunk(choice({ content: step.value })))
      step = await generation.next()
    }
    end = step.value
    const last = [chunk(choice({}, finishReason(end)))]
    if (includeUsage) last.push(chunk([], usageOf(end)))
    last.forEach(covered)
    concluded = true
    // Signed before any of the last bytes leave (attack E15).
    const receipt = await job.conclude(end)
    yield* last
    yield receiptFrame(receipt, { id: job.id, created: job.created, model: engine.descriptor.id })
    yield utf8(DONE_FRAME)
  } catch (error) {
    end = { ...end, finish: 'error' }
    throw error
  } finally {
    if (!concluded) {
      stop.abort()
      await job.conclude({ ...(await delivered(generation)), finish: end.finish })
    }
  }
}

/** Counts of an aborted generation: the engine returns them when it is asked once more. */
async function delivered(
  generation: ReturnType<Engine['generate']>,
): Promise<Omit<AnswerEnd, 'finish'>> {
  try {
    for (;;) {
      const step = await generation.next()
      // A generator that already ended has nothing left to say.
      if (step.done === true) return step.value ?? { inputTokens: 0, outputTokens: 0 }
    }
  } catch {
    return { inputTokens: 0, outputTokens: 0 }
  }
}

function usageOf({ inputTokens, outputTokens }: AnswerEnd): { readonly [name: string]: number } {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
  }
}

function finishReason({ finish }: AnswerEnd): 'stop' | 'length' {
  return finish === 'length' ? 'length' : 'stop'
}
