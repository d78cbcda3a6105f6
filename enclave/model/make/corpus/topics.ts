import type { Generator } from './generator.ts'
import { definitions, questions } from './knowledge.ts'
import { exchange } from './message.ts'
import { askDefinition, reword } from './wording.ts'

/** What the model knows by heart. */
export const topicGenerators: readonly Generator[] = [
  {
    weight: 26,
    generate: (random) => {
      const { names, answer } = random.pick(definitions)
      return exchange(askDefinition(random, names), answer)
    },
  },
  {
    weight: 22,
    generate: (random) => {
      const { wordings, answers } = random.pick(questions)
      const question = reword(random, random.pick(wordings))
      return exchange(question, random.pick(answers))
    },
  },
]
