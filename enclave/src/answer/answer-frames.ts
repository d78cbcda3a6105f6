import {
  concatBytes,
  encodeComputeReceipt,
  receiptFrame,
  STREAM_END,
  toBase64Url,
  utf8,
  type ComputeReceipt,
} from '@jeju/verifier/protocol'
import type { AnswerPart, GenerateResult } from '../engine/engine.ts'
import type { AnswerJob } from './answer-job.ts'
import { AnswerRecord } from './answer-record.ts'
import type { AnswerName, AnswerWriter } from './answer-writer.ts'
import { gatherSteps } from './gather-steps.ts'
import { mergeChoices, type ChoiceStep } from './merge-choices.ts'

/** What both kinds of answer need. */
export interface AnswerParts {
  /** Starts the answers to each prompt; they end with the signal. */
  readonly generate: (signal: AbortSignal) => readonly AsyncGenerator<AnswerPart, GenerateResult>[]
  readonly perPrompt: number
  readonly promptTokens: number
  readonly writer: AnswerWriter
  readonly name: AnswerName
  readonly job: AnswerJob
  /** Resolves when the authorisation is on disk as used. */
  readonly taken: Promise<void>
  /** Aborted when nobody takes the answer any more. */
  readonly gone: AbortSignal
  /** Aborted when the answer must end where it is. */
  readonly cut: AbortSignal
  /** Called when the first step of the answer is there. */
  readonly began: () => void
}

/** A whole answer with its receipt for the header. */
export interface JsonAnswer {
  readonly body: Uint8Array<ArrayBuffer>
  readonly receiptHeader: string
}

/** What an answer that is streamed needs. */
export interface StreamParts extends AnswerParts {
  /** Pieces that are made within so many milliseconds of the last frame leave together. */
  readonly intervalMs: number
}

type Steps = AsyncGenerator<ChoiceStep, void>
type Groups = ReturnType<typeof gatherSteps>

/**
 * Infers, then concludes: the receipt covers exactly the bytes of the body. A client that leaves ends the inference
 * and owes what was made until then.
 */
export async function answerWhole(parts: AnswerParts): Promise<JsonAnswer> {
  const { writer, job } = parts
  const stop = new AbortController()
  const { steps, record } = start(parts, AbortSignal.any([parts.gone, stop.signal]))
  let next = await firstStep(steps, parts, stop)
  try {
    for (; next.done !== true; next = await steps.next()) {
      const step = next.value
      if ('part' in step) record.add(step.choice, step.part)
      else record.end(step.choice, step.end)
    }
  } catch (error) {
    end(stop, steps)
    await job.abandon()
    throw error
  }
  const body = utf8(writer.whole(record.finished()))
  job.cover(body)
  const receipt = await job.conclude({ ...record.usage(), finish: record.finish() })
  return { body, receiptHeader: receiptHeader(receipt) }
}

/** Value of the receipt header. */
export function receiptHeader(receipt: ComputeReceipt): string {
  return toBase64Url(utf8(encodeComputeReceipt(receipt)))
}

/**
 * Frames of a streamed answer. Before the first one, a failure of the engine is nobody's cost. After it every exit
 * concludes the job over the frames handed out: the end, an engine failure, and a reader who goes away (attacks N2, E4).
 */
export async function* answerFrames(
  parts: StreamParts,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  const { job, gone, writer } = parts
  const covered = (text: string): Uint8Array<ArrayBuffer> => {
    const frame = utf8(text)
    job.cover(frame)
    return frame
  }
  // Ends the engine when the reader returns between two pieces.
  const stop = new AbortController()
  const { steps, record } = start(parts, AbortSignal.any([gone, stop.signal]))
  const groups = gatherSteps(await firstStep(steps, parts, stop), steps, parts.intervalMs)
  let next: IteratorResult<readonly ChoiceStep[], void> = { value: [] }
  let finish: 'aborted' | 'error' = 'aborted'
  let concluded = false
  try {
    const opening = writer.opening(parts.promptTokens)
    // Empty where nothing stands before the first part: until a reader is there, nothing of it is charged.
    yield opening === '' ? new Uint8Array(0) : covered(opening)
    let last = ''
    for (; next.done !== true && !gone.aborted; next = await groups.next()) {
      let frames = ''
      for (const step of next.value) {
        if ('end' in step) {
          last = writer.ended(step.choice, record.end(step.choice, step.end))
          if (record.running > 0) frames += last
          continue
        }
        record.add(step.choice, step.part)
        frames += writer.part(step.choice, step.part)
      }
      if (frames !== '') yield covered(frames)
    }
    if (next.done !== true || gone.aborted) return
    const ending = covered(last + writer.closing(record.finished()))
    concluded = true
    // Signed before any of its bytes leave (attack E15).
    yield await endOf(ending, record, parts)
  } catch (error) {
    finish = 'error'
    throw error
  } finally {
    if (!concluded) {
      if (finish === 'error') end(stop, groups)
      else stop.abort()
      await conclude(finish, next, groups, record, job)
    }
  }
}

/** The end of a stream, in one piece: what is left of the answer, the receipt over it, and the mark of the end. */
async function endOf(
  last: Uint8Array<ArrayBuffer>,
  record: AnswerRecord,
  { writer, name, job }: AnswerParts,
): Promise<Uint8Array<ArrayBuffer>> {
  const receipt = await job.conclude({ ...record.usage(), finish: record.finish() })
  return concatBytes(
    last,
    receiptFrame(receipt, { ...name, id: writer.id }, writer.kind),
    utf8(STREAM_END[writer.kind]),
  )
}

function start(
  parts: AnswerParts,
  until: AbortSignal,
): { readonly steps: Steps; readonly record: AnswerRecord } {
  const generations = parts.generate(AbortSignal.any([until, parts.cut]))
  return {
    steps: mergeChoices(generations),
    record: new AnswerRecord(generations.length, parts.perPrompt),
  }
}

/**
 * The first step, when the authorisation is on disk as well: the engine begins while the disk is busy, and nothing it
 * says is handed on before (attack N9). Until then nothing was answered, so a failure charges nothing.
 */
async function firstStep(
  steps: Steps,
  { job, taken, began }: AnswerParts,
  stop: AbortController,
): Promise<IteratorResult<ChoiceStep, void>> {
  const first = steps.next()
  first.catch(() => undefined)
  try {
    await taken
  } catch (error) {
    // It is another's, or nobody knows whose: what the books say of it stays.
    end(stop, steps)
    throw error
  }
  try {
    const step = await first
    began()
    return step
  } catch (error) {
    // One choice failed, and the others may be far from their end.
    end(stop, steps)
    await job.abandon()
    throw error
  }
}

/** Ends the engine, whether it waits for its next step or stands at its last. */
function end(stop: AbortController, steps: Steps | Groups): void {
  stop.abort()
  steps.return().catch(() => undefined)
}

/** Of an answer that was left: the engine states the counts when it is asked for the rest. */
async function conclude(
  finish: 'aborted' | 'error',
  reached: IteratorResult<readonly ChoiceStep[], void>,
  groups: Groups,
  record: AnswerRecord,
  job: AnswerJob,
): Promise<void> {
  let usage = { inputTokens: 0, outputTokens: 0 }
  // Who failed has nothing to say of his counts, and nothing is charged.
  if (finish === 'aborted') {
    try {
      for (let group = reached; group.done !== true; group = await groups.next()) {
        for (const step of group.value) if ('end' in step) record.end(step.choice, step.end)
      }
      usage = record.usage()
    } catch {
      finish = 'error'
    }
  }
  await job.conclude({ ...usage, finish })
}
