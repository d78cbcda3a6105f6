import { documentDigest, type ModelDescriptor } from '@jeju/verifier/protocol'
import { EngineError } from './engine-error.ts'
import type { ChatMessage, Engine, GenerateRequest, GenerateResult } from './engine.ts'
import type { PinnedModel } from './embedded-model.ts'
import { generateAnswer } from './generation.ts'
import { openLlama, type LlamaRuntime, type LlamaSettings, type Token } from './llama-runtime.ts'
import type { LlamaSlot } from './llama-slot.ts'
import { copyMeasured } from './measured-copy.ts'
import { checkRequest, samplingOf } from './request-limits.ts'
import { SlotQueue } from './slot-queue.ts'

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
  readonly #runtime: LlamaRuntime
  readonly #queue: SlotQueue<LlamaSlot<Token>>
  readonly #closing = new AbortController()
  #closed: Promise<void> | undefined

  constructor(runtime: LlamaRuntime, descriptor: ModelDescriptor, maxWaiting: number) {
    this.descriptor = descriptor
    this.contextTokens = runtime.contextTokens
    this.#runtime = runtime
    this.#queue = new SlotQueue(runtime.slots, maxWaiting)
  }

  countPromptTokens(messages: readonly ChatMessage[]): number {
    return this.#promptTokens(messages).length
  }

  async *generate(
    request: GenerateRequest,
    signal: AbortSignal,
  ): AsyncGenerator<string, GenerateResult> {
    checkRequest(request)
    const sampling = samplingOf(request)
    const prompt = this.#promptTokens(request.messages)
    if (prompt.length >= this.contextTokens) {
      const text = `prompt: expected less than ${this.contextTokens} tokens, actual ${prompt.length}`
      throw new EngineError('PROMPT_TOO_LONG', text)
    }
    const limit = Math.min(request.maxTokens, this.contextTokens - prompt.length)
    const end = AbortSignal.any([signal, this.#closing.signal])
    const slot = await this.#queue.acquire(end)
    if (slot === undefined) return { finish: 'aborted', inputTokens: 0, outputTokens: 0 }
    try {
      const stop = request.stop ?? []
      const { bytesOf } = this.#runtime.facts
      const generation = { slot, prompt, limit, sampling, stop, bytesOf }
      return yield* generateAnswer(generation, end)
    } catch (error) {
      if (error instanceof EngineError) throw error
      throw new EngineError('ENGINE_FAILED', 'inference failed', { cause: error })
    } finally {
      const recycled = this.#recycle(slot)
      // An abort does not wait for the native step under way.
      if (!end.aborted) await recycled
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#shutDown()
    return this.#closed
  }

  #promptTokens(messages: readonly ChatMessage[]): readonly Token[] {
    if (this.#closing.signal.aborted) throw closedError()
    try {
      return this.#runtime.promptTokens(messages)
    } catch {
      // Without a cause: what a template or a tokenizer says may quote the conversation.
      throw new EngineError('ENGINE_FAILED', "messages: the model's chat template refuses them")
    }
  }

  async #recycle(slot: LlamaSlot<Token>): Promise<void> {
    try {
      await slot.clear()
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

function closedError(): EngineError {
  return new EngineError('ENGINE_FAILED', 'the engine is closed')
}
