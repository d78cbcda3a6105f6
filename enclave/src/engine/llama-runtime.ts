import { availableParallelism } from 'node:os'
import {
  getLlama,
  getModuleVersion,
  GgufFileType,
  JinjaTemplateChatWrapper,
  LlamaLogLevel,
  type ChatHistoryItem,
  type Llama,
  type LlamaContext,
  type LlamaModel,
  type Token,
} from 'node-llama-cpp'
import { EngineError } from './engine-error.ts'
import type { ChatMessage } from './engine.ts'
import { LlamaSlot } from './llama-slot.ts'
import { tokenBytes, type TokenBytes } from './token-bytes.ts'

/** A token of the loaded model. */
export type { Token }

/** How the model is run; fixed at start. */
export interface LlamaSettings {
  /** Tokens of one request; the model's own training context where that is smaller. */
  readonly contextTokens: number
  /** Requests that are evaluated together. */
  readonly parallelRequests: number
}

/** What the GGUF file says of itself. */
interface ModelFacts {
  readonly chatTemplate: string
  readonly quantization: string
  /** The bytes each token of its vocabulary stands for. */
  readonly bytesOf: TokenBytes
}

/** A loaded model with its slots; the only face that node-llama-cpp shows to the engine. */
export interface LlamaRuntime {
  /** Name and version of the library. */
  readonly engine: string
  readonly facts: ModelFacts
  readonly contextTokens: number
  readonly slots: readonly LlamaSlot<Token>[]
  /** The conversation as the model's own template writes it, up to the beginning of the answer. */
  promptTokens(messages: readonly ChatMessage[]): readonly Token[]
  close(): Promise<void>
}

/** One core stays free for the node itself: llama.cpp's threads spin, and slow down tenfold when they share one. */
const MAX_THREADS = Math.max(1, availableParallelism() - 1)
/** Below this much work for each, threads wait for each other longer than they compute. */
const WEIGHT_BYTES_PER_THREAD = 64 * 2 ** 20

/**
 * Loads a GGUF file into memory and makes its slots. Uses the prebuilt CPU binary of the npm package:
 * nothing is compiled, downloaded or printed.
 *
 * @throws {EngineError} `MODEL_UNREADABLE`
 */
export async function openLlama(path: string, settings: LlamaSettings): Promise<LlamaRuntime> {
  const llama = await startLlama()
  try {
    const model = await llama.loadModel({ modelPath: path, useMmap: false, gpuLayers: 0 })
    const facts = readFacts(model)
    const contextTokens = Math.min(settings.contextTokens, model.trainContextSize)
    const context = await model.createContext({
      sequences: settings.parallelRequests,
      contextSize: contextTokens,
      threads: threadsFor(model.size),
      // The descriptor states this size; a silently smaller one would make it a lie.
      failedCreationRemedy: false,
    })
    return {
      engine: `node-llama-cpp@${await getModuleVersion()}`,
      facts,
      contextTokens,
      slots: makeSlots(context, settings.parallelRequests),
      promptTokens: promptWriter(model, facts.chatTemplate),
      close: () => llama.dispose(),
    }
  } catch (error) {
    await llama.dispose()
    if (error instanceof EngineError) throw error
    throw new EngineError('MODEL_UNREADABLE', 'model file: cannot be loaded', { cause: error })
  }
}

async function startLlama(): Promise<Llama> {
  try {
    return await getLlama({
      gpu: false,
      build: 'never',
      skipDownload: true,
      progressLogs: false,
      logLevel: LlamaLogLevel.disabled,
      maxThreads: MAX_THREADS,
    })
  } catch (error) {
    throw new EngineError('ENGINE_FAILED', 'node-llama-cpp: no prebuilt binary runs here', {
      cause: error,
    })
  }
}

function threadsFor(weightBytes: number): number {
  return Math.min(MAX_THREADS, Math.ceil(weightBytes / WEIGHT_BYTES_PER_THREAD))
}

function readFacts(model: LlamaModel): ModelFacts {
  const { general, tokenizer } = model.fileInfo.metadata
  if (tokenizer.chat_template === undefined || tokenizer.chat_template === '') {
    throw new EngineError('MODEL_UNREADABLE', 'tokenizer.chat_template: expected one, actual none')
  }
  const { model: kind, tokens, token_type: types } = tokenizer.ggml
  return {
    chatTemplate: tokenizer.chat_template,
    quantization: quantizationName(general.file_type),
    bytesOf: tokenBytes({ kind, tokens, types }),
  }
}

/** `general.file_type` by its name, without the prefix that says that some tensors may differ. */
function quantizationName(fileType: GgufFileType | undefined): string {
  if (fileType === undefined) return 'unstated'
  return GgufFileType[fileType]?.replace(/^(MOSTLY|ALL)_/, '') ?? `file type ${fileType}`
}

function makeSlots(context: LlamaContext, count: number): LlamaSlot<Token>[] {
  const contextShift = {
    // The default drops the beginning of a conversation when the context is full.
    strategy: (): never => {
      throw new EngineError('ENGINE_FAILED', 'context: more tokens than were planned')
    },
  }
  return Array.from(
    { length: count },
    () => new LlamaSlot<Token>(context.getSequence({ contextShift })),
  )
}

/**
 * Renders with the GGUF's Jinja template. The wrapper gives the template unguessable placeholders instead of
 * contents and tokenises the contents by themselves as plain text, so a `<|im_start|>` that a user writes
 * becomes ordinary characters; only what the template itself wrote can be a control token.
 */
function promptWriter(model: LlamaModel, template: string): LlamaRuntime['promptTokens'] {
  const wrapper = new JinjaTemplateChatWrapper({
    template,
    joinAdjacentMessagesOfTheSameType: false,
    functionCallMessageTemplate: 'noJinja',
    tokenizer: model.tokenizer,
  })
  const { bos, shouldPrependBosToken } = model.tokens
  return (messages) => {
    const chatHistory = [
      ...messages.map(historyItem),
      historyItem({ role: 'assistant', content: '' }),
    ]
    const tokens = wrapper
      .generateContextState({ chatHistory })
      .contextText.tokenize(model.tokenizer)
    return shouldPrependBosToken && bos !== null && tokens[0] !== bos ? [bos, ...tokens] : tokens
  }
}

function historyItem({ role, content }: ChatMessage): ChatHistoryItem {
  return role === 'assistant'
    ? { type: 'model', response: [content] }
    : { type: role, text: content }
}
