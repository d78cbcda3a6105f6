import type { Random } from '../random.ts'
import { anyOf, type Generate, type Generator } from './generator.ts'
import { definitions } from './knowledge.ts'
import { exchange, type Message } from './message.ts'
import { askUnknown, UNKNOWN_ANSWERS } from './unknown-topics.ts'
import { someName } from './words.ts'

const INSTRUCTIONS = [
  'You are a helpful assistant.',
  'You are Enclave Mini.',
  'Answer briefly.',
  'Be concise.',
  'You are an expert in security.',
  'You are a friendly assistant. Answer in one sentence.',
]
/** How many of the first generators fit under a general instruction. */
const UNDER_INSTRUCTION = 10

const rememberedName: Generate = (random, all) => {
  const name = someName(random)
  const hello = random.pick([
    `My name is ${name}.`,
    `I am ${name}.`,
    `Hi, I am ${name}.`,
    `Hello, my name is ${name}.`,
  ])
  const between = random.chance(0.6) ? anyOf(random, all, all) : []
  const question = random.pick(['What is my name?', 'Who am I?', 'Do you remember my name?'])
  return [
    ...exchange(hello, `Hello ${name}! How can I help you?`),
    ...between,
    ...exchange(question, `Your name is ${name}.`),
  ]
}

const instructed: Generate = (random, all) => {
  const content = random.pick(INSTRUCTIONS)
  return [{ role: 'system', content }, ...anyOf(random, all.slice(0, UNDER_INSTRUCTION), all)]
}

function unknown(random: Random): Message[] {
  const question = askUnknown(random)
  return exchange(question, random.pick(UNKNOWN_ANSWERS))
}

function followUp(random: Random): Message[] {
  const first = random.pick(definitions)
  const second = random.pick(definitions)
  const opening = exchange(`What is ${random.pick(first.names)}?`, first.answer)
  const question = random.pick([
    `And ${random.pick(second.names)}?`,
    `And what is ${random.pick(second.names)}?`,
    `What about ${random.pick(second.names)}?`,
  ])
  return [...opening, ...exchange(question, second.answer)]
}

/** A name to remember. */
export const memoryGenerators: readonly Generator[] = [{ weight: 3, generate: rememberedName }]

/** Instructions, things it does not know, and follow-up questions. */
export const dialogueGenerators: readonly Generator[] = [
  { weight: 4, generate: instructed },
  { weight: 6, generate: unknown },
  { weight: 5, generate: followUp },
]
