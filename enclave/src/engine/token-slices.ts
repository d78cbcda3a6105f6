import { setImmediate as nextTurn } from 'node:timers/promises'

/** Longest text that is tokenised at once: about 4 ms. */
const SLICE_CHARACTERS = 8_192
/** A slice ends at a space of its last part, where most vocabularies begin a token anyway. */
const SEARCHED_CHARACTERS = 1_024

/**
 * Tokenises a text in slices and lets others have their turn in between. Stops as soon as there are more than `max`
 * tokens.
 */
export async function tokenizeInSlices<Token>(
  text: string,
  max: number,
  tokenize: (slice: string, isFirst: boolean) => readonly Token[],
): Promise<Token[]> {
  const tokens: Token[] = []
  for (let at = 0; at < text.length && tokens.length <= max;) {
    if (at > 0) await nextTurn()
    const end = endOfSlice(text, at)
    for (const token of tokenize(text.slice(at, end), at === 0)) tokens.push(token)
    at = end
  }
  return tokens
}

function endOfSlice(text: string, start: number): number {
  const latest = start + SLICE_CHARACTERS
  if (latest >= text.length) return text.length
  const space = text.lastIndexOf(' ', latest)
  if (space > latest - SEARCHED_CHARACTERS) return space
  // Never between the halves of a character.
  return isLowSurrogate(text.charCodeAt(latest)) ? latest - 1 : latest
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff
}
