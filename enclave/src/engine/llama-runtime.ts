import { availableParallelism } from 'node:os'
import {
  getLlama,
  getModuleVersion,
  GgufFileType,
  LlamaGrammarEvaluationState,
  LlamaLogLevel,
  type Llama,
  type LlamaContext,
  type LlamaEmbeddingContext,
  type LlamaGrammar,
  type LlamaModel,
  type Token,
} from 'node-llama-cpp'
import { readChatTemplate, type ChatTemplate, type PromptSegment } from './chat-template.ts'
import { EngineError } from './engine-error.ts'
import type { GrammarSchema } from './grammar-schema.ts'
import { LlamaSlot } from './llama-slot.ts'
import { readRowsInOrder } from './rows-in-order.ts'
import { StepTurns } from './step-turns.ts'
import { tokenBytes, type TokenBytes } from './token-bytes.ts'
import { tokenizeInSlices } from './token-slices.ts'

/** A token of the loaded model. */
export type { Token }

/** Keeps the tokens of one answer within a grammar. */
export type GrammarState = LlamaGrammarEvaluationState

/** A slot of the loaded model. */
export type Slot = LlamaSlot<Token, GrammarState>

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
  /** Characters of the longest token, so that a text's least number of tokens is known without reading it. */
  readonly longestToken: number
}

/** A loaded model with its slots; the only face that node-llama-cpp shows to the engine. */
export interface LlamaRuntime {
  /** Name and version of the library. */
  readonly engine: string
  readonly facts: ModelFacts
  readonly template: ChatTemplate
  readonly contextTokens: number
  readonly slots: readonly Slot[]
  /** Tokens of a prompt; more than `max` only say that it is too long. */
  tokenize(segments: readonly PromptSegment[], max: number): Promise<readonly Token[]>
  /** A grammar at its beginning. A schema is made into a grammar once. */
  grammar(schema: GrammarSchema): Promise<GrammarState>
  /** The vector of a text, one after the other. */
  embed(tokens: readonly Token[]): Promise<readonly number[]>
  close(): Promise<void>
}

/** What every grammar of the library ends with; an answer ends before it. */
export const GRAMMAR_END = '\n\n\n\n'

/** One core stays free for the node itself: llama.cpp's threads spin, and slow down tenfold when they share one. */
const MAX_THREADS = Math.max(1, availableParallelism() - 1)
/** Below this much work for each, threads wait for each other longer than they compute. */
const WEIGHT_BYTES_PER_THREAD = 64 * 2 ** 20
/** `tokenizer.ggml.token_type` of a control token (GGUF specification). */
const CONTROL = 3

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
    const threads = threadsFor(model.size)
    const context = await model.createContext({
      sequences: settings.parallelRequests,
      contextSize: contextTokens,
      threads,
      // The descriptor states this size; a silently smaller one would make it a lie.
      failedCreationRemedy: false,
    })
    readRowsInOrder(context)
    return {
      engine: `node-llama-cpp@${await getModuleVersion()}`,
      facts,
      template: readChatTemplate(facts.chatTemplate, specialTokens(model)),
      contextTokens,
      slots: makeSlots(context, settings.parallelRequests),
      tokenize: promptTokenizer(model),
      grammar: grammarMaker(llama, model),
      embed: embedder(() => model.createEmbeddingContext({ contextSize: contextTokens, threads })),
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
    longestToken: tokens.reduce((longest, { length }) => Math.max(longest, length), 1),
  }
}

/** `general.file_type` by its name, without the prefix that says that some tensors may differ. */
function quantizationName(fileType: GgufFileType | undefined): string {
  if (fileType === undefined) return 'unstated'
  return GgufFileType[fileType]?.replace(/^(MOSTLY|ALL)_/, '') ?? `file type ${fileType}`
}

function specialTokens(model: LlamaModel): Parameters<typeof readChatTemplate>[1] {
  const { tokens, token_type: types } = model.fileInfo.metadata.tokenizer.ggml
  return {
    bos: model.tokens.bosString ?? '',
    eos: model.tokens.eosString ?? '',
    control: tokens.filter((_, index) => types[index] === CONTROL),
  }
}

function makeSlots(context: LlamaContext, count: number): Slot[] {
  const contextShift = {
    // The default drops the beginning of a conversation when the context is full.
    strategy: (): never => {
      throw new EngineError('ENGINE_FAILED', 'context: more tokens than were planned')
    },
  }
  const turns = new StepTurns()
  return Array.from(
    { length: count },
    () => new LlamaSlot<Token, GrammarState>(context.getSequence({ contextShift }), turns),
  )
}

/** Only what a template wrote can become a control token. */
function promptTokenizer(model: LlamaModel): LlamaRuntime['tokenize'] {
  const { bos, shouldPrependBosToken } = model.tokens
  return async (segments, max) => {
    const tokens: Token[] = []
    let isFirst = true
    for (const { text, by } of segments) {
      const more = await tokenizeInSlices(text, max - tokens.length, (slice, isStart) => {
        // The space that SentencePiece puts before a text belongs before the first slice only.
        const options = isFirst && isStart ? undefined : 'trimLeadingSpace'
        return model.tokenize(slice, by === 'template', options)
      })
      for (const token of more) tokens.push(token)
      isFirst = false
      if (tokens.length > max) break
    }
    return shouldPrependBosToken && bos !== null && tokens[0] !== bos ? [bos, ...tokens] : tokens
  }
}

/** Grammars that are kept; the schemas of clients repeat. */
const MAX_GRAMMARS = 64

function grammarMaker(llama: Llama, model: LlamaModel): LlamaRuntime['grammar'] {
  const made = new Map<string, Promise<LlamaGrammar>>()
  return async (schema) => {
    const key = JSON.stringify(schema)
    let grammar = made.get(key)
    if (grammar === undefined) {
      // The schema is one that this library honours whole; its types are for schemas in source code.
      grammar = llama.createGrammarForJsonSchema(JSON.parse(key))
      if (made.size >= MAX_GRAMMARS) made.clear()
      made.set(key, grammar)
    }
    try {
      return new LlamaGrammarEvaluationState({ model, grammar: await grammar })
    } catch {
      made.delete(key)
      throw new EngineError('FORM_UNSUPPORTED', 'schema: no grammar can be made of it')
    }
  }
}

/** The context for vectors is made when the first one is asked for; it has room for one text. */
function embedder(open: () => Promise<LlamaEmbeddingContext>): LlamaRuntime['embed'] {
  let context: Promise<LlamaEmbeddingContext> | undefined
  return async (tokens) => {
    context ??= open()
    const { vector } = await (await context).getEmbeddingFor([...tokens])
    return vector
  }
}
