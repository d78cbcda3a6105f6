import { documentDigest, type ModelDescriptor } from '@jeju/verifier/protocol'
import type { EngineError } from '../../../enclave/src/engine/engine-error.ts'
import type {
  ChatMessage,
  Engine,
  GenerateRequest,
  GenerateResult,
} from '../../../enclave/src/engine/engine.ts'

export const MODEL = 'scripted'
/** Prompt tokens of one message. */
export const TOKENS_PER_MESSAGE = 5

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
  pieces: readonly string[] = ['Ja', ', gern', '. Grüße', ' aus dem TD', ' 🎉']
  /** Waits before this piece until the signal is aborted or `release` is called. */
  holdAt: number | undefined
  /** Fails before this piece. */
  failAt: { readonly piece: number; readonly error: EngineError } | undefined
  /** What was asked, in order. */
  readonly requests: GenerateRequest[] = []
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

  countPromptTokens(messages: readonly ChatMessage[]): number {
    return messages.length * TOKENS_PER_MESSAGE
  }

  async *generate(
    request: GenerateRequest,
    signal: AbortSignal,
  ): AsyncGenerator<string, GenerateResult> {
    this.requests.push(request)
    const inputTokens = this.countPromptTokens(request.messages)
    let outputTokens = 0
    const end = (finish: GenerateResult['finish']): GenerateResult => {
      this.ends.push(finish)
      return { finish, inputTokens, outputTokens }
    }
    for (const [index, piece] of this.pieces.entries()) {
      if (this.failAt?.piece === index) throw this.failAt.error
      if (this.holdAt === index) await Promise.race([this.#held, aborted(signal)])
      if (signal.aborted) return end('aborted')
      if (outputTokens === request.maxTokens) return end('length')
      outputTokens++
      this.handedOut++
      yield piece
    }
    return end('stop')
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
