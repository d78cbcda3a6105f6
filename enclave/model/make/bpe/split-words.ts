import { byteAlphabet } from './byte-alphabet.ts'

const ALPHABET = byteAlphabet()
const encoder = new TextEncoder()

/** The pre-tokenizer that llama.cpp calls `gpt-2`: merges never cross these pieces. */
const WORD = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu

/** The pieces of a text that are encoded by themselves. */
export function splitWords(text: string): readonly string[] {
  return text.match(WORD) ?? []
}

/** The bytes of a piece as characters of the byte alphabet. */
export function toByteCharacters(word: string): string[] {
  return Array.from(encoder.encode(word), (byte) => ALPHABET[byte] ?? '')
}
