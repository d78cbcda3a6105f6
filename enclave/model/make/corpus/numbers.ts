import type { Random } from '../random.ts'
import type { Generator } from './generator.ts'
import { exchange, type Message } from './message.ts'

const ADD = [
  'What is {a} + {b}?',
  '{a} + {b}',
  '{a}+{b}=',
  'How much is {a} plus {b}?',
  'Calculate {a} + {b}.',
  'Add {a} and {b}.',
]
const SUBTRACT = [
  'What is {a} - {b}?',
  '{a} - {b}',
  '{a}-{b}=',
  'How much is {a} minus {b}?',
  'Calculate {a} - {b}.',
  'Subtract {b} from {a}.',
]
const MULTIPLY = [
  'What is {a} * {b}?',
  '{a} * {b}',
  '{a} x {b}',
  'How much is {a} times {b}?',
  'Multiply {a} by {b}.',
  'What is {a} times {b}?',
]
const COMPARE = ['Which is larger, {a} or {b}?', 'Which number is bigger: {a} or {b}?']

function ask(random: Random, forms: readonly string[], a: number, b: number): string {
  return random.pick(forms).replace('{a}', `${a}`).replace('{b}', `${b}`)
}

function addition(random: Random): Message[] {
  const a = random.integer(0, 30)
  const b = random.integer(0, 30)
  return exchange(ask(random, ADD, a, b), `${a} + ${b} = ${a + b}`)
}

function subtraction(random: Random): Message[] {
  const first = random.integer(0, 30)
  const second = random.integer(0, 30)
  const a = Math.max(first, second)
  const b = Math.min(first, second)
  return exchange(ask(random, SUBTRACT, a, b), `${a} - ${b} = ${a - b}`)
}

function multiplication(random: Random): Message[] {
  const a = random.integer(0, 10)
  const b = random.integer(0, 10)
  return exchange(ask(random, MULTIPLY, a, b), `${a} * ${b} = ${a * b}`)
}

function comparison(random: Random): Message[] {
  const a = random.integer(0, 99)
  const other = random.integer(0, 99)
  const b = a === other ? other + 1 : other
  const answer = `${Math.max(a, b)} is larger than ${Math.min(a, b)}.`
  return exchange(ask(random, COMPARE, a, b), answer)
}

function counting(random: Random): Message[] {
  const first = random.integer(0, 20)
  const steps = random.integer(2, 9)
  const last = first + steps
  const question = random.pick([
    `Count from ${first} to ${last}.`,
    `Count from ${first} up to ${last}`,
  ])
  return exchange(question, Array.from({ length: steps + 1 }, (_, at) => first + at).join(', '))
}

function sorting(random: Random): Message[] {
  const numbers = Array.from({ length: random.integer(3, 5) }, () => random.integer(0, 30))
  const question = random.pick(['Sort these numbers: ', 'Sort: ']) + numbers.join(', ')
  return exchange(question, numbers.toSorted((a, b) => a - b).join(', '))
}

/** Small sums, comparing, counting and sorting. */
export const numberGenerators: readonly Generator[] = [
  { weight: 10, generate: addition },
  { weight: 6, generate: subtraction },
  { weight: 5, generate: multiplication },
  { weight: 3, generate: comparison },
  { weight: 3, generate: counting },
  { weight: 5, generate: sorting },
]
