import type { Hex, ModelDescriptor } from '@jeju/verifier/protocol'
import { EngineError } from '../engine-error.ts'
import type {
  Admission,
  AnswerPart,
  Engine,
  EngineFeature,
  GenerateRequest,
  GenerateResult,
  PreparedEmbeddings,
  PreparedPrompt,
} from '../engine.ts'
import { Places } from '../places.ts'
import type { Prompt } from '../prompt.ts'
import { checkRequest } from '../request-limits.ts'
import { unitVector } from '../unit-vector.ts'
import { readAnswer } from './upstream-answer.ts'
import {
  upstreamChunk,
  upstreamEmbeddings,
  upstreamModels,
  upstreamTextChunk,
  upstreamTokens,
} from './upstream-chunks.ts'
import { connectUpstream, type UpstreamConnection } from './upstream-connection.ts'
import { createUpstreamHealth, type UpstreamHealth } from './upstream-health.ts'
import { readDocument, statusError } from './upstream-json.ts'
import { answerMembers, chatMembers, chatOptions } from './upstream-request.ts'

/** A server in the same CVM, as the measured compose describes it. */
export interface UpstreamOptions {
  /** Origin; loopback or a service of the compose network. */
  readonly url: string
  /** Name of the model, there and here. */
  readonly model: string
  /** Which server it is; says whether it can count tokens beforehand. */
  readonly kind: 'vllm' | 'sglang' | 'tgi'
  /** Digest of the weights that the compose file pins; this code has not seen the bytes. */
  readonly weightsSha256: Hex
  readonly chatTemplateSha256: Hex
  readonly quantization: string
  readonly contextTokens: number
  readonly features: readonly EngineFeature[]
  /** Whether prefixes are kept apart by a salt of each owner, or not kept at all (attack E10). */
  readonly prefixCache: 'salted' | 'off'
  /** Answers that run or wait there. */
  readonly maxAnswers: number
}

/** A template adds tokens of its own; no token of text is shorter than a byte. */
const MAX_TEMPLATE_TOKENS = 1024
const PROBE_TIMEOUT_MS = 10_000

/**
 * Connects to a server and checks that it serves the model. The descriptor says `declared`: the digest is the compose
 * file's word, and this code has not hashed the bytes that are loaded (attack E6).
 *
 * @throws {EngineError} `UPSTREAM_MISMATCH`, `ENGINE_FAILED`
 */
export async function connectUpstreamEngine(options: UpstreamOptions): Promise<Engine> {
  const connection = connectUpstream(options.url)
  try {
    await checkModel(connection, options, AbortSignal.timeout(PROBE_TIMEOUT_MS))
  } catch (error) {
    await connection.close()
    throw error
  }
  return new UpstreamEngine(connection, options)
}

async function checkModel(
  connection: UpstreamConnection,
  options: UpstreamOptions,
  signal: AbortSignal,
): Promise<void> {
  const answer = await connection.request('GET', '/v1/models', undefined, signal)
  const { data } = await readDocument(answer, upstreamModels)
  const model = data.find(({ id }) => id === options.model)
  if (model === undefined) {
    throw new EngineError(
      'UPSTREAM_MISMATCH',
      `upstream: expected model ${options.model}, actual others`,
    )
  }
  const length = model.max_model_len ?? options.contextTokens
  if (length < options.contextTokens) {
    const text = `upstream: expected a context of ${options.contextTokens} tokens, actual ${length}`
    throw new EngineError('UPSTREAM_MISMATCH', text)
  }
}

class UpstreamEngine implements Engine {
  readonly descriptor: ModelDescriptor
  readonly contextTokens: number
  readonly features: ReadonlySet<EngineFeature>
  readonly #connection: UpstreamConnection
  readonly #kind: UpstreamOptions['kind']
  readonly #prefixCache: UpstreamOptions['prefixCache']
  readonly #health: UpstreamHealth
  readonly #places: Places
  readonly #closing = new AbortController()

  constructor(connection: UpstreamConnection, options: UpstreamOptions) {
    this.#connection = connection
    this.#kind = options.kind
    this.#prefixCache = options.prefixCache
    // Who comes back is asked for its model again.
    this.#health = createUpstreamHealth((signal) => {
      const until = AbortSignal.any([signal, AbortSignal.timeout(PROBE_TIMEOUT_MS)])
      return checkModel(connection, options, until)
    })
    this.#places = new Places(options.maxAnswers)
    this.contextTokens = options.contextTokens
    this.features = new Set(options.features)
    this.descriptor = Object.freeze({
      adapters: Object.freeze([]),
      chat_template_sha256: options.chatTemplateSha256,
      context_tokens: options.contextTokens,
      engine: options.kind,
      id: options.model,
      quantization: options.quantization,
      state: 'declared',
      weights_sha256: options.weightsSha256,
    })
  }

  get healthy(): boolean {
    return this.#health.healthy
  }

  watch(signal: AbortSignal): Promise<void> {
    return this.#health.watch(signal)
  }

  get admitted(): number {
    return this.#places.taken
  }

  admit(answers: number): Admission {
    return this.#places.admit(answers)
  }

  async prepare(prompt: Prompt): Promise<PreparedPrompt> {
    const tokens = await this.#promptTokens(prompt)
    if (tokens.atLeast >= this.contextTokens) {
      throw new EngineError(
        'PROMPT_TOO_LONG',
        `prompt: expected less than ${this.contextTokens} tokens, actual ${tokens.atLeast}`,
      )
    }
    return {
      tokens,
      // The upstream makes its own grammars; what it refuses fails before the first piece and is free.
      check: () => Promise.resolve(),
      generate: (request, signal) => this.#generate(prompt, tokens, request, signal),
    }
  }

  async prepareEmbeddings(texts: readonly string[]): Promise<PreparedEmbeddings> {
    await Promise.resolve()
    const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
    const tokens = { atLeast: texts.length, atMost: bytes + texts.length * 8 }
    return { tokens, embed: (signal) => this.#embed(texts, tokens, signal) }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#connection.close()
  }

  /** Exact where the server counts for us, and otherwise what is certain. */
  async #promptTokens(prompt: Prompt): Promise<PreparedPrompt['tokens']> {
    const members = prompt.kind === 'chat' ? chatMembers(prompt) : { prompt: prompt.text }
    const bytes = Buffer.byteLength(JSON.stringify(members))
    const atMost = Math.min(bytes + MAX_TEMPLATE_TOKENS, this.contextTokens - 1)
    if (this.#kind !== 'vllm') return { atLeast: 1, atMost: Math.max(1, atMost) }
    const body = { model: this.descriptor.id, ...members }
    const answer = await this.#post('/tokenize', body, this.#closing.signal)
    const { count } = await readDocument(answer, upstreamTokens)
    if (count < 1 || count > bytes + MAX_TEMPLATE_TOKENS) {
      throw new EngineError('ENGINE_FAILED', 'upstream: a count of tokens that cannot be')
    }
    return { atLeast: count, atMost: count }
  }

  async *#generate(
    prompt: Prompt,
    promptTokens: PreparedPrompt['tokens'],
    request: GenerateRequest,
    signal: AbortSignal,
  ): AsyncGenerator<AnswerPart, GenerateResult> {
    checkRequest(request)
    const end = new AbortController()
    const until = AbortSignal.any([signal, this.#closing.signal, end.signal])
    const members = answerMembers(this.descriptor.id, request, {
      salted: this.#prefixCache === 'salted',
      kind: this.#kind,
    })
    const { path, body, schema } = requestTo(prompt, members, request)
    try {
      const answer = await this.#post(path, body, until)
      if (answer.status !== 200) {
        answer.body.destroy()
        throw statusError(answer.status)
      }
      const bounds = { model: this.descriptor.id, kind: this.#kind, request, promptTokens, schema }
      return yield* readAnswer(answer.body, bounds, until)
    } catch (error) {
      if (until.aborted) return { finish: 'aborted', inputTokens: 0, outputTokens: 0 }
      throw error
    } finally {
      // However it ended, the server must not go on.
      end.abort()
    }
  }

  async #embed(
    texts: readonly string[],
    tokens: PreparedPrompt['tokens'],
    signal: AbortSignal,
  ): ReturnType<PreparedEmbeddings['embed']> {
    const until = AbortSignal.any([signal, this.#closing.signal])
    const body = { model: this.descriptor.id, input: texts, encoding_format: 'float' }
    const answer = await this.#post('/v1/embeddings', body, until)
    const { data, usage } = await readDocument(answer, upstreamEmbeddings)
    const inOrder = data.every(({ index }, at) => index === at) && data.length === texts.length
    const { prompt_tokens: inputTokens } = usage
    if (!inOrder || inputTokens < tokens.atLeast || inputTokens > tokens.atMost) {
      throw new EngineError('ENGINE_FAILED', 'upstream: vectors or counts that cannot be')
    }
    return { vectors: data.map(({ embedding }) => unitVector(embedding)), inputTokens }
  }

  async #post(
    path: string,
    body: object,
    signal: AbortSignal,
  ): ReturnType<UpstreamConnection['request']> {
    try {
      const answer = await this.#connection.request('POST', path, body, signal)
      this.#health.answered()
      return answer
    } catch (error) {
      if (!signal.aborted) this.#health.failed()
      throw error
    }
  }
}

function requestTo(
  prompt: Prompt,
  members: object,
  request: GenerateRequest,
): { readonly path: string; readonly body: object; readonly schema: typeof upstreamChunk } {
  if (prompt.kind === 'text') {
    const body = { ...members, prompt: prompt.text }
    return { path: '/v1/completions', body, schema: upstreamTextChunk }
  }
  const body = { ...members, ...chatMembers(prompt), ...chatOptions(prompt.tools, request) }
  return { path: '/v1/chat/completions', body, schema: upstreamChunk }
}
