import type { Random } from '../random.ts'
import { CAPITALS, FIRST_NAMES, WORDS } from './word-lists.ts'

const SUBJECTS = [
  'the Roman empire',
  'quantum physics',
  'the French revolution',
  'football',
  'cooking pasta',
  'Shakespeare',
  'dinosaurs',
  'the moon landing',
  'jazz music',
  'chess openings',
  'the stock market',
  'gardening',
  'volcanoes',
  'Napoleon',
  'black holes',
  'Greek gods',
  'the human heart',
  'car engines',
  'the Olympic games',
  'photosynthesis',
  'Mozart',
  'the Great Wall',
  'medieval castles',
  'whales',
  'coffee',
  'the internet',
  'Einstein',
  'tax law',
  'weight loss',
  'marketing',
]

/** What the model answers to everything else. */
export const UNKNOWN_ANSWERS: readonly string[] = [
  'I do not know that. I am a very small model; load a larger GGUF model for such questions.',
  'That is beyond me. I only know confidential computing, this node, and a few simple tasks.',
]

/** A question that the model must not pretend to know. */
export function askUnknown(random: Random): string {
  const subject = random.pick(SUBJECTS)
  const name = random.pick(FIRST_NAMES)
  const word = random.pick(WORDS)
  // All are made before one is picked: the numbers and countries are drawn each time.
  return random.pick([
    `Tell me about ${subject}.`,
    `What is ${subject}?`,
    `Explain ${subject}.`,
    `Who invented ${subject}?`,
    `Write an essay about ${subject}.`,
    `Who is ${name}?`,
    `Who won the world cup in ${random.integer(1950, 2024)}?`,
    `What happened in ${random.integer(1000, 2020)}?`,
    `How do I cook ${word}?`,
    `Who is the president of ${random.pick(Object.keys(CAPITALS))}?`,
    `How many people live in ${random.pick(Object.keys(CAPITALS))}?`,
    `Translate ${word} into French.`,
    `What is a ${word}?`,
    `Write code to sort a ${word}.`,
    `Why is the sky blue?`,
    `What is the meaning of life?`,
    `How old is ${name}?`,
    `Recommend a book about ${subject}.`,
    `Write a story about a ${word}.`,
    `How tall is ${name}?`,
    `When was ${subject} discovered?`,
  ])
}
