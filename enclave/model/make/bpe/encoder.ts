import { splitWords, toByteCharacters } from './split-words.ts'
import type { Vocabulary } from './vocabulary.ts'

/** Turns text into token ids as llama.cpp does for `tokenizer.ggml.model` gpt2. */
export class Encoder {
  readonly #ids: ReadonlyMap<string, number>
  readonly #ranks: ReadonlyMap<string, number>
  readonly #special: ReadonlyMap<string, number>
  readonly #specialPattern: RegExp
  readonly #cache = new Map<string, readonly number[]>()

  constructor(vocabulary: Vocabulary) {
    this.#ids = new Map(vocabulary.tokens.map((token, id) => [token, id]))
    this.#ranks = new Map(vocabulary.merges.map((merge, rank) => [merge, rank]))
    this.#special = new Map(Object.entries(vocabulary.special))
    const names = [...this.#special.keys()].map(escapePattern)
    // With no control token the pattern matches nothing.
    this.#specialPattern = new RegExp(names.length > 0 ? `(${names.join('|')})` : '(?!)')
  }

  /** Token ids of a text; control tokens in it are recognised. */
  encode(text: string): number[] {
    return text.split(this.#specialPattern).flatMap((part) => {
      const special = this.#special.get(part)
      return special === undefined
        ? splitWords(part).flatMap((word) => this.#encodeWord(word))
        : [special]
    })
  }

  #encodeWord(word: string): readonly number[] {
    const known = this.#cache.get(word)
    if (known) return known
    const ids = this.#mergeAll(toByteCharacters(word)).map((symbol) => this.#idOf(symbol))
    this.#cache.set(word, ids)
    return ids
  }

  /** Applies the earliest learned merge that fits until none does. */
  #mergeAll(characters: readonly string[]): readonly string[] {
    let symbols = characters
    for (;;) {
      const at = this.#firstMerge(symbols)
      if (at < 0) return symbols
      const merged = symbols.slice(at, at + 2).join('')
      symbols = [...symbols.slice(0, at), merged, ...symbols.slice(at + 2)]
    }
  }

  #firstMerge(symbols: readonly string[]): number {
    let best = -1
    let bestRank = Infinity
    for (let at = 0; at + 1 < symbols.length; at++) {
      const rank = this.#ranks.get(`${symbols[at]} ${symbols[at + 1]}`) ?? Infinity
      if (rank < bestRank) {
        bestRank = rank
        best = at
      }
    }
    return best
  }

  #idOf(symbol: string): number {
    const id = this.#ids.get(symbol)
    if (id === undefined) throw new RangeError(`vocabulary: no token for ${symbol}`)
    return id
  }
}

function escapePattern(text: string): string {
  return text.replace(/[|\\{}()[\]^$+*?.]/g, '\\$&')
}
