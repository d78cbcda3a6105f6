import { byteAlphabet } from './byte-alphabet.ts'
import { splitWords, toByteCharacters } from './split-words.ts'
import { TOKEN_TYPE, type Vocabulary } from './vocabulary.ts'

interface Word {
  symbols: string[]
  readonly count: number
}

const DIGIT = /[0-9]/

/** Learns merges from texts until the vocabulary, with the control tokens at its end, has `size` tokens. */
export function trainVocabulary(
  texts: Iterable<string>,
  size: number,
  controlTokens: readonly string[],
): Vocabulary {
  const words = countWords(texts)
  const tokens = [...byteAlphabet()]
  const merges: string[] = []
  while (tokens.length < size - controlTokens.length) {
    const pair = mostFrequentPair(words)
    if (!pair) break
    const [left, right] = pair
    merges.push(`${left} ${right}`)
    tokens.push(left + right)
    for (const word of words) word.symbols = mergePair(word.symbols, left, right)
  }
  const types = tokens.map(() => TOKEN_TYPE.normal)
  const special: Record<string, number> = {}
  for (const token of controlTokens) {
    special[token] = tokens.length
    tokens.push(token)
    types.push(TOKEN_TYPE.control)
  }
  return { tokens, types, merges, special }
}

function countWords(texts: Iterable<string>): Word[] {
  const counts = new Map<string, number>()
  for (const text of texts) {
    for (const word of splitWords(text)) counts.set(word, (counts.get(word) ?? 0) + 1)
  }
  return Array.from(counts, ([word, count]) => ({ symbols: toByteCharacters(word), count }))
}

/** The pair seen most often, at least twice; of equals the first in code unit order, so that it is reproducible. */
function mostFrequentPair(words: readonly Word[]): [string, string] | undefined {
  const counts = new Map<string, number>()
  for (const { symbols, count } of words) {
    for (const [at, left] of symbols.entries()) {
      const right = symbols[at + 1]
      // Digits never merge: one token each, so that sums stay learnable.
      if (right === undefined || DIGIT.test(left) || DIGIT.test(right)) continue
      const pair = `${left} ${right}`
      counts.set(pair, (counts.get(pair) ?? 0) + count)
    }
  }
  let best = ''
  let bestCount = 1
  for (const [pair, count] of counts) {
    if (count > bestCount || (count === bestCount && pair < best)) {
      best = pair
      bestCount = count
    }
  }
  const [left, right] = best.split(' ')
  return left && right ? [left, right] : undefined
}

/** Replaces each occurrence of the pair, from the left. */
function mergePair(symbols: readonly string[], left: string, right: string): string[] {
  const merged: string[] = []
  for (let at = 0; at < symbols.length; at++) {
    const symbol = symbols[at] ?? ''
    if (symbol === left && symbols[at + 1] === right) {
      merged.push(left + right)
      at++
    } else {
      merged.push(symbol)
    }
  }
  return merged
}
