import { utf8 } from '@jeju/verifier/protocol'
import { byteAlphabet } from './byte-alphabet.ts'
import { EngineError } from './engine-error.ts'

/** The vocabulary of a GGUF file: `tokenizer.ggml.model`, `.tokens` and `.token_type`. */
export interface Vocabulary {
  readonly kind: string
  readonly tokens: readonly string[]
  readonly types: readonly number[]
}

/** The bytes that one token stands for; none for control tokens. */
export type TokenBytes = (token: number) => Uint8Array

/** Values of `tokenizer.ggml.token_type` (GGUF specification). */
const NORMAL = 1
const USER_DEFINED = 4
const BYTE = 6
const NOTHING = new Uint8Array(0)

/**
 * Reads tokens as bytes. llama.cpp's own detokenizer is made for whole texts: for many vocabularies it
 * "cleans up" the spaces before punctuation, so its output is not what the model wrote, and a part of an
 * answer would change when the next token comes. Bytes never do.
 *
 * @throws {EngineError} `MODEL_UNREADABLE` for a kind of vocabulary other than byte-level BPE and SentencePiece
 */
export function tokenBytes(vocabulary: Vocabulary): TokenBytes {
  const decode = decoderOf(vocabulary.kind)
  return (token) => {
    const text = vocabulary.tokens[token]
    if (text === undefined)
      throw new EngineError('ENGINE_FAILED', `token ${token}: not in the vocabulary`)
    switch (vocabulary.types[token] ?? NORMAL) {
      case NORMAL:
        return decode(text)
      case USER_DEFINED:
        return utf8(text)
      case BYTE:
        return byteToken(text)
      default:
        return NOTHING
    }
  }
}

function decoderOf(kind: string): (text: string) => Uint8Array {
  if (kind === 'gpt2') return byteLevelDecoder()
  // SentencePiece writes a space as U+2581.
  if (kind === 'llama') return (text) => utf8(text.replaceAll('\u2581', ' '))
  throw new EngineError(
    'MODEL_UNREADABLE',
    `tokenizer.ggml.model: expected gpt2 or llama, actual ${kind.slice(0, 32)}`,
  )
}

function byteLevelDecoder(): (text: string) => Uint8Array {
  const byteOf = new Map(byteAlphabet().map((character, byte) => [character, byte]))
  return (text) => {
    const bytes: number[] = []
    for (const character of text) {
      const byte = byteOf.get(character)
      // Tokens that were added after training are written as plain text.
      if (byte === undefined) return utf8(text)
      bytes.push(byte)
    }
    return Uint8Array.from(bytes)
  }
}

/** `<0x0A>`: a SentencePiece token for one byte that has no other token. */
function byteToken(text: string): Uint8Array {
  const hex = /^<0x([0-9A-Fa-f]{2})>$/.exec(text)?.[1]
  return hex === undefined ? utf8(text) : Uint8Array.of(Number.parseInt(hex, 16))
}
