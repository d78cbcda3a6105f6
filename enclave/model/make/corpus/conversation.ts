import type { Random } from '../random.ts'
import { copyGenerators, extractionGenerators } from './copying.ts'
import { dialogueGenerators, memoryGenerators } from './dialogues.ts'
import { calendarGenerators, factGenerators } from './facts.ts'
import type { Generator } from './generator.ts'
import type { Message } from './message.ts'
import { numberGenerators } from './numbers.ts'
import { toolGenerators } from './tool-calls.ts'
import { topicGenerators } from './topics.ts'

/** Every kind of conversation; their order is part of what a seed gives. */
const GENERATORS: readonly Generator[] = [
  ...topicGenerators,
  ...numberGenerators,
  ...factGenerators,
  ...copyGenerators,
  ...calendarGenerators,
  ...extractionGenerators,
  ...memoryGenerators,
  ...toolGenerators,
  ...dialogueGenerators,
]
const TOTAL_WEIGHT = GENERATORS.reduce((sum, { weight }) => sum + weight, 0)

/** The next conversation of the corpus: one kind, sometimes followed by one or two more. */
export function nextConversation(random: Random): Message[] {
  const messages = nextPart(random)
  if (!random.chance(0.3)) return messages
  for (let more = random.integer(1, 2); more > 0; more--) {
    const part = nextPart(random)
    // Instructions and tools are given before a conversation, not in its middle.
    if (part[0]?.role !== 'system') messages.push(...part)
  }
  return messages
}

function nextPart(random: Random): Message[] {
  let left = random.fraction() * TOTAL_WEIGHT
  for (const { weight, generate } of GENERATORS) {
    left -= weight
    if (left <= 0) return generate(random, GENERATORS)
  }
  throw new RangeError('weights: the fraction is not below 1')
}

/** The conversation in ChatML, as the model reads and writes it. */
export function renderChatMl(messages: readonly Message[]): string {
  return messages.map(({ role, content }) => `<|im_start|>${role}\n${content}<|im_end|>\n`).join('')
}
