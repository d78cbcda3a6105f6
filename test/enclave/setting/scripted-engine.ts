import { documentDigest, type ModelDescriptor } from '@jeju/verifier/protocol'
import type { EngineError } from '../../../enclave/src/engine/engine-error.ts'
import type {
  Admission,
  AnswerPart,
  Engine,
  EngineFeature,
  GenerateRequest,
  GenerateResult,
  PreparedEmbeddings,
  PreparedPrompt,
} from '../../../enclave/src/engine/engine.ts'
import { Places } from '../../../enclave/src/engine/places.ts'
import type { ChatMessage, Prompt } from '../../../enclave/src/engine/prompt.ts'

export const MODEL = 'scripted'
/** Prompt tokens of one message. */
export const TOKENS_PER_MESSAGE = 5

/** What was asked: the prompt's conversation, and how to answer it. */
export type ScriptedRequest = GenerateRequest & {
  readonly messages: readonly ChatMessage[]
  readonly prompt: Prompt
}

/** Says given pieces, one token each, and stops where a test wants it to. */
export class ScriptedEngine implements Engine {
  readonly contextTokens = 128
  readonly descriptor: ModelDescriptor = {
    id: MODEL,
    weights_sha256: documentDigest('weights'),
    state: 'measured',
    engine: 'scripted/1',
    quantization: 'none',
    adapters: [],
    chat_template_sha256: documentDigest('template'),
    context_tokens: 128,
  }
  features = new Set<EngineFeature>([
    'completions',
    'embeddings',
    'json',
    'json_schema',
    'logprobs',
    'tools',
  ])
  places = new Places(64)
  /** A string is a piece of text. */
  pieces: readonly (string | AnswerPart)[] = ['Ja', ', gern', '. Grüße', ' aus dem TD', ' 🎉']
  /** How an answer ends that nothing cuts short. */
  finish: GenerateResult['finish'] = 'stop'
  stopString: string | undefined
  /** Waits before this piece until the signal is aborted or `release` is called. */
  holdAt: number | undefined
  /** Says nothing more from this piece on, whatever the signal says. */
  deafAt: number | undefined
  /** Fails before this piece. */
  failAt: { readonly piece: number; readonly error: EngineError } | undefined
  /** What was asked, in order. */
  readonly requests: ScriptedRequest[] = []
  /** How each generation ended. */
  readonly ends: GenerateResult['finish'][] = []
  /** Pieces handed out over all requests. */
  handedOut = 0
  closed = false
  #release = (): void => undefined
  #held = new Promise<void>((resolve) => (this.#release = resolve))

  release(): void {
    this.#release()
  }

  get admitted(): number {
    return this.places.taken
  }

  admit(answers: number): Admission {
    return this.places.admit(answers)
  }

  countPromptTokens(prompt: Prompt): number {
    return prompt.kind === 'chat' ? prompt.messages.length * TOKENS_PER_MESSAGE : prompt.text.length
  }

  async prepare(prompt: Prompt): Promise<PreparedPrompt> {
    await Promise.resolve()
    const tokens = this.countPromptTokens(prompt)
    return {
      tokens: { atLeast: tokens, atMost: tokens },
      check: () => Promise.resolve(),
      generate: (request, signal) => this.#generate(prompt, request, signal),
    }
  }

  async prepareEmbeddings(texts: readonly string[]): Promise<PreparedEmbeddings> {
    await Promise.resolve()
    const inputTokens = texts.join('').length
    return {
      tokens: { atLeast: inputTokens, atMost: inputTokens },
      embed: () =>
        Promise.resolve({ vectors: texts.map(({ length }) => [length, 0.5]), inputTokens }),
    }
  }

  async *#generate(
    prompt: Prompt,
    request: GenerateRequest,
    signal: AbortSignal,
  ): AsyncGenerator<AnswerPart, GenerateResult> {
    const messages = prompt.kind === 'chat' ? prompt.messages : []
    this.requests.push({ ...request, messages, prompt })
    const inputTokens = this.countPromptTokens(prompt)
    let outputTokens = 0
    const end = (finish: GenerateResult['finish']): GenerateResult => {
      this.ends.push(finish)
      const { stopString } = this
      return {
        finish,
        inputTokens,
        outputTokens,
        ...(stopString === undefined ? {} : { stopString }),
      }
    }
    for (const [index, piece] of this.pieces.entries()) {
      if (this.failAt?.piece === index) throw this.failAt.error
      if (this.holdAt === index) await Promise.race([this.#held, aborted(signal)])
      if (this.deafAt === index) await this.#held
      if (signal.aborted) return end('aborted')
      if (outputTokens === request.maxTokens) return end('length')
      const part: AnswerPart =
        typeof piece === 'string' ? { type: 'text', text: piece, tokens: 1 } : piece
      outputTokens += part.tokens
      this.handedOut++
      yield part
    }
    return end(this.finish)
  }

  close(): Promise<void> {
    this.closed = true
    return Promise.resolve()
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
