import { z } from 'zod'

/** A byte-level BPE vocabulary. */
export interface Vocabulary {
  /** Text of each token in the byte alphabet; the index is the id. */
  readonly tokens: readonly string[]
  /** `tokenizer.ggml.token_type` of each token. */
  readonly types: readonly number[]
  /** `left right`, the earliest learned first. */
  readonly merges: readonly string[]
  /** Control tokens by their text. */
  readonly special: Readonly<Record<string, number>>
}

const vocabularySchema = z.strictObject({
  tokens: z.array(z.string()),
  types: z.array(z.int()),
  merges: z.array(z.string()),
  special: z.record(z.string(), z.int()),
})

/** Token types of the GGUF specification. */
export const TOKEN_TYPE: Readonly<Record<'normal' | 'control', number>> = { normal: 1, control: 3 }

/** The control tokens of ChatML, in the order of their ids. */
export const CONTROL_TOKENS: readonly string[] = ['<|endoftext|>', '<|im_start|>', '<|im_end|>']

/** Reads the JSON that `prepare` wrote. */
export function parseVocabulary(text: string): Vocabulary {
  return vocabularySchema.parse(JSON.parse(text))
}

/** The id of a control token. */
export function controlToken(vocabulary: Vocabulary, text: string): number {
  const id = vocabulary.special[text]
  if (id === undefined) throw new RangeError(`vocabulary: no control token ${text}`)
  return id
}
