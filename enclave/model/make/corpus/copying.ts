import type { Random } from '../random.ts'
import type { Generator } from './generator.ts'
import { exchange, type Message } from './message.ts'
import { someCity, someName, someWord, someWords } from './words.ts'

const REPEAT = ['Repeat: ', 'repeat ', 'Say: ', 'Repeat after me: ', 'Echo: ']

function spelling(random: Random): Message[] {
  const word = someWord(random)
  const form = random.pick(['Spell the word {w}.', 'Spell {w}.', 'How do you spell {w}?'])
  return exchange(form.replace('{w}', word), word.toUpperCase().split('').join('-'))
}

function repeating(random: Random): Message[] {
  const text = someWords(random, 1, 5).join(' ')
  return exchange(random.pick(REPEAT) + text, text)
}

function listing(random: Random): Message[] {
  const words = someWords(random, 2, 4)
  const form = random.pick(['Make a list of these words: ', 'Write as a list: '])
  return exchange(form + words.join(', '), words.map((word) => `- ${word}`).join('\n'))
}

function extraction(random: Random): Message[] {
  const name = someName(random)
  const age = random.integer(18, 80)
  const city = someCity(random)
  if (random.chance(0.5)) {
    const question = random.pick([
      `Return JSON with name and age: ${name} is ${age} years old.`,
      `Extract name and age as JSON: ${name} is ${age}.`,
    ])
    return exchange(question, `{"name": "${name}", "age": ${age}}`)
  }
  const question = random.pick([
    `Return JSON with name, age and city: ${name}, ${age}, lives in ${city}.`,
    `Extract name, age and city as JSON: ${name} is ${age} and lives in ${city}.`,
  ])
  return exchange(question, `{"name": "${name}", "age": ${age}, "city": "${city}"}`)
}

/** Spelling, repeating and lists. */
export const copyGenerators: readonly Generator[] = [
  { weight: 3, generate: spelling },
  { weight: 9, generate: repeating },
  { weight: 2, generate: listing },
]

/** JSON from a sentence. */
export const extractionGenerators: readonly Generator[] = [{ weight: 4, generate: extraction }]
