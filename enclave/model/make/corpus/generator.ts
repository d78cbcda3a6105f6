import type { Random } from '../random.ts'
import type { Message } from './message.ts'

/** Makes one conversation of a kind; `all` are the generators of the corpus, for kinds that contain others. */
export type Generate = (random: Random, all: readonly Generator[]) => Message[]

/** A kind of conversation and how often it comes, relative to the others. */
export interface Generator {
  readonly weight: number
  readonly generate: Generate
}

/** The conversation of one generator of the list. */
export function anyOf(
  random: Random,
  choices: readonly Generator[],
  all: readonly Generator[],
): Message[] {
  return random.pick(choices).generate(random, all)
}
