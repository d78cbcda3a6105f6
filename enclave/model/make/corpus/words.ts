import type { Random } from '../random.ts'
import { capitalize } from './wording.ts'
import { CAPITALS, FIRST_NAMES, SYLLABLES, WORDS } from './word-lists.ts'

const CITIES = Object.values(CAPITALS)
const LAST_LETTERS = ['n', 'r', 's', 'l', 'k', 't', 'm']

/** An invented word: it can only be copied, not remembered, and that is what teaches copying. */
export function inventedWord(random: Random): string {
  const syllables = Array.from({ length: random.integer(2, 3) }, () => random.pick(SYLLABLES))
  return syllables.join('') + (random.chance(0.4) ? random.pick(LAST_LETTERS) : '')
}

/** An invented or a common word. */
export function someWord(random: Random): string {
  return random.chance(0.6) ? inventedWord(random) : random.pick(WORDS)
}

/** From `low` to `high` words. */
export function someWords(random: Random, low: number, high: number): string[] {
  return Array.from({ length: random.integer(low, high) }, () => someWord(random))
}

/** An invented or a common first name. */
export function someName(random: Random): string {
  return random.chance(0.5) ? capitalize(inventedWord(random)) : random.pick(FIRST_NAMES)
}

/** An invented city or a capital. */
export function someCity(random: Random): string {
  return random.chance(0.5) ? capitalize(inventedWord(random)) : random.pick(CITIES)
}
