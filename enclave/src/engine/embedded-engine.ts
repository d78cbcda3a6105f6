import { documentDigest, type ModelDescriptor } from '@jeju/verifier/protocol'
import { asCall, withCalls } from './called-answer.ts'
import { TOOL_CALL_START, type PromptSegment } from './chat-template.ts'
import { EngineError } from './engine-error.ts'
import type {
  Admission,
  AnswerPart,
  Engine,
  EngineFeature,
  GenerateRequest,
  GenerateResult,
  PreparedEmbeddings,
  PreparedPrompt,
} from './engine.ts'
import type { PinnedModel } from './embedded-model.ts'
import { generateAnswer, type TextPart } from './generation.ts'
import { schemaOfCall, schemaOfForm, type GrammarSchema } from './grammar-schema.ts'
import {
  GRAMMAR_END,
  openLlama,
  type LlamaRuntime,
  type LlamaSettings,
  type Slot,
  type Token,
} from './llama-runtime.ts'
import { copyMeasured } from './measured-copy.ts'
import { Places } from './places.ts'
import type { Prompt, Tool } from './prompt.ts'
import { checkRequest, samplingOf } from './request-limits.ts'
import { SlotQueue } from './slot-queue.ts'
import { unitVector } from './unit-vector.ts'

/** The pinned file and how to run it. */
export interface EmbeddedEngineOptions extends PinnedModel, Partial<LlamaSettings> {
  /** Requests that may wait for a slot; one more is refused. */
  readonly maxWaiting?: number
}

const DEFAULT_CONTEXT_TOKENS = 4096
const DEFAULT_PARALLEL_REQUESTS = 4
const DEFAULT_MAX_WAITING = 32

/**
 * Loads a GGUF file in this process. The descriptor says `measured` because the bytes that are loaded are
 * the bytes that were hashed (attack E6); nothing about the model can be changed afterwards (attack E13).
 *
 * @throws {EngineError} `MODEL_DIGEST_MISMATCH`, `MODEL_UNREADABLE`, `ENGINE_FAILED`
 */
export async function loadEmbeddedEngine(options: EmbeddedEngineOptions): Promise<Engine> {
  const copy = await copyMeasured(options.path, options.sha256)
  try {
    const runtime = await openLlama(copy.path, {
      contextTokens: options.contextTokens ?? DEFAULT_CONTEXT_TOKENS,
      parallelRequests: options.parallelRequests ?? DEFAULT_PARALLEL_REQUESTS,
    })
    const descriptor: ModelDescriptor = Object.freeze({
      adapters: Object.freeze([]),
      chat_template_sha256: documentDigest(runtime.facts.chatTemplate),
      context_tokens: runtime.contextTokens,
      engine: runtime.engine,
      id: options.name,
      quantization: runtime.facts.quantization,
      state: 'measured',
      weights_sha256: copy.sha256,
    })
    return new EmbeddedEngine(runtime, descriptor, options.maxWaiting ?? DEFAULT_MAX_WAITING)
  } finally {
    await copy.remove()
  }
}

class EmbeddedEngine implements Engine {
  readonly descriptor: ModelDescriptor
  readonly contextTokens: number
  readonly features: ReadonlySet<EngineFeature>
  readonly #runtime: LlamaRuntime
  readonly #places: Places
  readonly #queue: SlotQueue<Slot>
  readonly #closing = new AbortController()
  #closed: Promise<void> | undefined

  constructor(runtime: LlamaRuntime, descriptor: ModelDescriptor, maxWaiting: number) {
    this.descriptor = descriptor
    this.contextTokens = runtime.contextTokens
    this.features = new Set([
      'completions',
      'embeddings',
      'json',
      'json_schema',
      'logprobs',
      ...(runtime.template.offersTools ? (['tools'] as const) : []),
    ])
    this.#runtime = runtime
    const most = runtime.slots.length + maxWaiting
    this.#places = new Places(most)
    // A slot is cleared after its place was given back, so those who were admitted may all wait for a moment.
    this.#queue = new SlotQueue(runtime.slots, most)
  }

  get admitted(): number {
    return this.#places.taken
  }

  admit(answers: number): Admission {
    if (this.#closing.signal.aborted) throw closedError()
    return this.#places.admit(answers)
  }

  async prepare(prompt: Prompt): Promise<PreparedPrompt> {
    if (prompt.kind === 'chat' && prompt.messages.length === 0) {
      throw new EngineError('ENGINE_FAILED', 'messages: expected at least one')
    }
    const tokens = await this.#tokens(this.#segments(prompt))
    const tools = prompt.kind === 'chat' ? prompt.tools : []
    return {
      tokens: { atLeast: tokens.length, atMost: tokens.length },
      check: async (request) => {
        const schema = schemaOfAnswer(tools, request)
        if (schema !== undefined) await this.#runtime.grammar(schema)
      },
      generate: (request, signal) => this.#generate(tokens, tools, request, signal),
    }
  }

  async prepareEmbeddings(texts: readonly string[]): Promise<PreparedEmbeddings> {
    const read: (readonly Token[])[] = []
    for (const text of texts) read.push(await this.#tokens([{ text, by: 'content' }]))
    const inputTokens = read.reduce((sum, { length }) => sum + length, 0)
    return {
      tokens: { atLeast: inputTokens, atMost: inputTokens },
      embed: async (signal) => {
        const vectors: (readonly number[])[] = []
        for (const tokens of read) {
          if (signal.aborted || this.#closing.signal.aborted) {
            throw new EngineError('ENGINE_FAILED', 'embeddings: ended before they were made')
          }
          vectors.push(unitVector(await this.#embed(tokens)))
        }
        return { vectors, inputTokens }
      },
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#shutDown()
    return this.#closed
  }

  #segments(prompt: Prompt): readonly PromptSegment[] {
    if (prompt.kind === 'text') return [{ text: prompt.text, by: 'content' }]
    return this.#runtime.template.render(prompt)
  }

  /** At least one token and less than the context holds. */
  async #tokens(segments: readonly PromptSegment[]): Promise<readonly Token[]> {
    if (this.#closing.signal.aborted) throw closedError()
    const { contextTokens } = this
    const most = contextTokens - 1
    const characters = segments.reduce((sum, { text }) => sum + text.length, 0)
    // What cannot fit is not read at all.
    const least = Math.ceil(characters / this.#runtime.facts.longestToken)
    const tokens = least > most ? [] : await this.#runtime.tokenize(segments, most)
    if (least > most || tokens.length > most) {
      const actual = least > most ? `at least ${least}` : 'more'
      throw new EngineError(
        'PROMPT_TOO_LONG',
        `prompt: expected less than ${contextTokens} tokens, actual ${actual}`,
      )
    }
    if (tokens.length === 0) throw new EngineError('PROMPT_REFUSED', 'prompt: expected text')
    return tokens
  }

  async *#generate(
    prompt: readonly Token[],
    tools: readonly Tool[],
    request: GenerateRequest,
    signal: AbortSignal,
  ): AsyncGenerator<AnswerPart, GenerateResult> {
    checkRequest(request)
    const { toolChoice = 'auto' } = request
    const schema = schemaOfAnswer(tools, request)
    const offered = tools.map(({ name }) => name)
    if (tools.length === 0 || toolChoice === 'none') {
      return yield* this.#texts(prompt, request, schema, signal)
    }
    if (toolChoice !== 'auto') {
      const forced = [...prompt, ...(await this.#runtime.tokenize(CALL_START, this.contextTokens))]
      return yield* asCall(this.#texts(forced, request, schema, signal), offered)
    }
    if (request.singleToolCall !== true) {
      return yield* withCalls(this.#texts(prompt, request, schema, signal), offered)
    }
    const enough = new AbortController()
    const until = AbortSignal.any([signal, enough.signal])
    return yield* withCalls(this.#texts(prompt, request, schema, until), offered, enough)
  }

  async *#texts(
    prompt: readonly Token[],
    request: GenerateRequest,
    schema: GrammarSchema | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<TextPart, GenerateResult> {
    const { owner, stop = [], logprobs } = request
    const grammar = schema === undefined ? undefined : await this.#runtime.grammar(schema)
    const end = AbortSignal.any([signal, this.#closing.signal])
    const slot = await this.#queue.acquire(end, (free) => preference(free, owner, prompt))
    if (slot === undefined) return { finish: 'aborted', inputTokens: 0, outputTokens: 0 }
    try {
      const result = yield* generateAnswer(
        {
          slot,
          owner,
          prompt,
          limit: Math.max(1, Math.min(request.maxTokens, this.contextTokens - prompt.length)),
          sampling: samplingOf(request),
          stop: grammar === undefined ? stop : [...stop, GRAMMAR_END],
          bytesOf: this.#runtime.facts.bytesOf,
          ...(grammar === undefined ? {} : { grammar }),
          ...(logprobs === undefined ? {} : { logprobs }),
        },
        end,
      )
      return stop.includes(result.stopString ?? '') ? result : withoutStop(result)
    } catch (error) {
      if (error instanceof EngineError) throw error
      throw new EngineError('ENGINE_FAILED', 'inference failed', { cause: error })
    } finally {
      const recycled = this.#recycle(slot)
      // An abort does not wait for the native step under way.
      if (!end.aborted) await recycled
    }
  }

  async #embed(tokens: readonly Token[]): Promise<readonly number[]> {
    try {
      return await this.#runtime.embed(tokens)
    } catch (error) {
      throw new EngineError('ENGINE_FAILED', 'inference failed', { cause: error })
    }
  }

  async #recycle(slot: Slot): Promise<void> {
    try {
      await slot.rest()
      this.#queue.release(slot)
    } catch (error) {
      // A slot that may still hold somebody's conversation serves nobody: refuse everything from here on.
      this.#queue.end(
        new EngineError('ENGINE_FAILED', 'a slot could not be cleared', { cause: error }),
      )
    }
  }

  async #shutDown(): Promise<void> {
    this.#queue.end(closedError())
    this.#closing.abort()
    await Promise.allSettled(this.#runtime.slots.map((slot) => slot.clear()))
    await this.#runtime.close()
  }
}

/** The schema an answer has to follow, if any. */
function schemaOfAnswer(
  tools: readonly Tool[],
  { toolChoice = 'auto', form = { kind: 'text' } }: GenerateRequest,
): GrammarSchema | undefined {
  if (tools.length === 0 || toolChoice === 'none') return schemaOfForm(form)
  if (form.kind !== 'text') {
    throw new EngineError('FORM_UNSUPPORTED', 'response_format: not with tools to be called')
  }
  return schemaOfCall(tools, toolChoice)
}

const CALL_START: readonly PromptSegment[] = [{ text: TOOL_CALL_START, by: 'template' }]

/** A stop string that the client did not give is none of its business. */
function withoutStop({
  finish,
  inputTokens,
  outputTokens,
  cachedTokens,
}: GenerateResult): GenerateResult {
  const cached = cachedTokens === undefined ? {} : { cachedTokens }
  return { finish, inputTokens, outputTokens, ...cached }
}

/** The slot that keeps most of this prompt; otherwise one that keeps nothing of anybody. */
function preference(slot: Slot, owner: string | undefined, prompt: readonly Token[]): number {
  return slot.reusable(owner, prompt) * 2 + (slot.empty ? 1 : 0)
}

function closedError(): EngineError {
  return new EngineError('ENGINE_FAILED', 'the engine is closed')
}
