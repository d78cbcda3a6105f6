import { utf8 } from '@jeju/verifier/protocol'
import type { z } from 'zod'
import { EngineError } from '../engine-error.ts'
import type {
  AnswerPart,
  GenerateRequest,
  GenerateResult,
  PreparedPrompt,
  TokenLogprob,
  TokenProbability,
} from '../engine.ts'
import { StopStrings } from '../stop-strings.ts'
import { sseDocuments } from './sse-documents.ts'
import type {
  UpstreamChoice,
  UpstreamChunk,
  UpstreamProbability,
  UpstreamUsage,
} from './upstream-chunks.ts'
import { parseDocument } from './upstream-json.ts'

/** What an answer is held to. */
export interface AnswerBounds {
  readonly model: string
  readonly kind: 'vllm' | 'sglang' | 'tgi'
  readonly request: GenerateRequest
  readonly promptTokens: PreparedPrompt['tokens']
  readonly schema: z.ZodType<UpstreamChunk>
}

/**
 * The parts of an upstream's stream. It is read strictly: another model, a part that would be lost, a count that
 * cannot be, or a stream without an end fails the answer. An abort ends it with what is known of its counts.
 */
export async function* readAnswer(
  body: AsyncIterable<Uint8Array>,
  bounds: AnswerBounds,
  signal: AbortSignal,
): AsyncGenerator<AnswerPart, GenerateResult> {
  const calls = new CallIndex()
  let finish: UpstreamChoice['finish_reason']
  let stopReason: UpstreamChoice['stop_reason']
  const text = new UpstreamText(bounds)
  let usage: UpstreamUsage | undefined
  let delivered = 0
  const aborted = (): GenerateResult => ({
    finish: 'aborted',
    inputTokens: usage?.prompt_tokens ?? bounds.promptTokens.atLeast,
    outputTokens: delivered,
  })
  try {
    for await (const document of sseDocuments(body)) {
      if (signal.aborted) return aborted()
      const chunk = parseDocument(document, bounds.schema)
      if (chunk.model !== bounds.model) throw failed('another model')
      usage = chunk.usage ?? usage
      const [choice] = chunk.choices
      if (choice === undefined) continue
      if (finish !== undefined && finish !== null) throw failed('a part after the end')
      for (const part of partsOf(choice, calls, text)) {
        delivered += part.tokens
        yield part
      }
      finish = choice.finish_reason
      stopReason = choice.stop_reason ?? choice.matched_stop
    }
    const rest = text.end()
    if (rest !== '') yield { type: 'text', text: rest, tokens: 0 }
  } catch (error) {
    if (signal.aborted) return aborted()
    throw error
  }
  if (signal.aborted) return aborted()
  const reason = finish === 'stop' && calls.isAny ? 'tool_calls' : finish
  return resultOf(reason, text.stop ?? stopReason, usage, bounds)
}

function* partsOf(
  choice: UpstreamChoice,
  calls: CallIndex,
  texts: UpstreamText,
): Generator<AnswerPart, void> {
  const { delta, logprobs } = choice
  const text = texts.push(delta.content ?? '')
  const stated = logprobs?.content?.map(logprobOf)
  // A chunk with text holds one token at least, so that nothing is overcharged where no count comes.
  if (text !== '' || (stated ?? []).length > 0) {
    const tokens = text === '' ? 0 : 1
    yield { type: 'text', text, tokens, ...(stated === undefined ? {} : { logprobs: stated }) }
  }
  for (const { index, id, function: called } of delta.tool_calls ?? []) {
    if (calls.opens(index)) {
      if (!id || !called?.name) throw failed('a call without id or name')
      yield { type: 'tool_call', index, id, name: called.name, tokens: 0 }
    }
    const args = called?.arguments ?? ''
    if (args !== '') yield { type: 'tool_arguments', index, text: args, tokens: 1 }
  }
}

/** Text as it may go out. TGI hands out the stop string that ended an answer, too; nobody asked for it. */
class UpstreamText {
  readonly #stops: StopStrings
  #stop: string | undefined

  constructor({ kind, request }: AnswerBounds) {
    this.#stops = new StopStrings(kind === 'tgi' ? (request.stop ?? []) : [])
  }

  /** The stop string that was met. */
  get stop(): string | undefined {
    return this.#stop
  }

  push(piece: string): string {
    if (piece === '' || this.#stop !== undefined) return ''
    const { text, stop } = this.#stops.push(piece)
    this.#stop = stop
    return text
  }

  end(): string {
    return this.#stop === undefined ? this.#stops.end() : ''
  }
}

/** Calls come one after the other. */
class CallIndex {
  #last = -1

  get isAny(): boolean {
    return this.#last >= 0
  }

  /** Whether this one begins now. */
  opens(index: number): boolean {
    if (index === this.#last) return false
    if (index !== this.#last + 1) throw failed('calls out of order')
    this.#last = index
    return true
  }
}

function resultOf(
  finish: UpstreamChoice['finish_reason'],
  stopReason: UpstreamChoice['stop_reason'],
  usage: UpstreamUsage | undefined,
  { request, promptTokens }: AnswerBounds,
): GenerateResult {
  if (finish === undefined || finish === null || finish === 'abort') throw failed('no end')
  if (usage === undefined) throw failed('no usage')
  const { prompt_tokens: inputTokens, completion_tokens: outputTokens = 0 } = usage
  if (inputTokens < promptTokens.atLeast || inputTokens > promptTokens.atMost) {
    throw failed('a count of prompt tokens that cannot be')
  }
  if (outputTokens === null || outputTokens > request.maxTokens) {
    throw failed('more tokens than were asked for')
  }
  const cached = usage.prompt_tokens_details?.cached_tokens ?? 0
  const isStop = typeof stopReason === 'string' && (request.stop ?? []).includes(stopReason)
  return {
    finish,
    inputTokens,
    outputTokens,
    ...(cached === 0 ? {} : { cachedTokens: Math.min(cached, inputTokens) }),
    ...(isStop ? { stopString: stopReason } : {}),
  }
}

function logprobOf(
  token: UpstreamProbability & {
    readonly top_logprobs?: readonly UpstreamProbability[] | null | undefined
  },
): TokenLogprob {
  return { ...probabilityOf(token), top: (token.top_logprobs ?? []).map(probabilityOf) }
}

function probabilityOf({ token, bytes, logprob }: UpstreamProbability): TokenProbability {
  return {
    bytes: bytes === null || bytes === undefined ? utf8(token) : Uint8Array.from(bytes),
    logprob,
  }
}

function failed(what: string): EngineError {
  return new EngineError('ENGINE_FAILED', `upstream: ${what}`)
}
