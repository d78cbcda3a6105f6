import type { Random } from '../random.ts'
import { definitions, questions } from './knowledge.ts'
import { askDefinition, reword } from './wording.ts'

/** Two wordings of one meaning, and the number of that meaning. */
export interface WordingPair {
  readonly first: string
  readonly second: string
  readonly meaning: number
}

/** The next pair for the embedding objective. */
export function nextWordingPair(random: Random): WordingPair {
  const meaning = random.integer(0, definitions.length + questions.length - 1)
  const definition = definitions[meaning]
  if (definition) {
    const ask = (): string => askDefinition(random, definition.names)
    return { first: ask(), second: random.chance(0.3) ? definition.answer : ask(), meaning }
  }
  const question = questions[meaning - definitions.length]
  if (!question?.answers[0]) throw new RangeError(`no meaning ${meaning}`)
  const ask = (): string => reword(random, random.pick(question.wordings))
  return { first: ask(), second: random.chance(0.3) ? question.answers[0] : ask(), meaning }
}
