import type { AnswerPart, GenerateResult } from '../engine/engine.ts'
import { leave } from '../engine/leave.ts'

type Generation = AsyncGenerator<AnswerPart, GenerateResult>
type Step = IteratorResult<AnswerPart, GenerateResult>

/** A step of one of several answers that are generated together. */
export type ChoiceStep =
  | { readonly choice: number; readonly part: AnswerPart }
  | { readonly choice: number; readonly end: GenerateResult }

/**
 * Steps of all generations in the order they come; each is asked for its next step when its last one was taken. Fails
 * with the first of them. However it ends, none of them goes on.
 */
export async function* mergeChoices(
  generations: readonly Generation[],
): AsyncGenerator<ChoiceStep, void> {
  try {
    yield* merged(generations)
  } finally {
    for (const generation of generations) leave(generation)
  }
}

async function* merged(generations: readonly Generation[]): AsyncGenerator<ChoiceStep, void> {
  const [only] = generations
  if (generations.length === 1 && only !== undefined) return yield* oneChoice(only)
  const waiting = new Map<number, Promise<readonly [number, Step]>>()
  const ask = (choice: number, generation: Generation): void => {
    const step = generation.next().then((result) => [choice, result] as const)
    // Whoever fails while another is awaited is heard when its turn comes.
    step.catch(() => undefined)
    waiting.set(choice, step)
  }
  for (const [choice, generation] of generations.entries()) ask(choice, generation)
  while (waiting.size > 0) {
    const [choice, step] = await Promise.race(waiting.values())
    waiting.delete(choice)
    if (step.done === true) {
      yield { choice, end: step.value }
      continue
    }
    yield { choice, part: step.value }
    const generation = generations[choice]
    if (generation !== undefined) ask(choice, generation)
  }
}

async function* oneChoice(generation: Generation): AsyncGenerator<ChoiceStep, void> {
  for (let step = await generation.next(); ; step = await generation.next()) {
    if (step.done === true) return yield { choice: 0, end: step.value }
    yield { choice: 0, part: step.value }
  }
}
