import type { Random } from '../random.ts'
import type { Generator } from './generator.ts'
import { exchange, type Message } from './message.ts'
import { CAPITALS, DAYS, MONTHS, OPPOSITES } from './word-lists.ts'

const CAPITAL_OF = [
  'What is the capital of {c}?',
  'Capital of {c}?',
  'Which city is the capital of {c}?',
  'Tell me the capital of {c}.',
]
const COUNTRY_OF = ['Which country has the capital {k}?', '{k} is the capital of which country?']

function capital(random: Random): Message[] {
  const [country, city] = random.pick(Object.entries(CAPITALS))
  return random.chance(0.75)
    ? exchange(
        random.pick(CAPITAL_OF).replace('{c}', country),
        `The capital of ${country} is ${city}.`,
      )
    : exchange(
        random.pick(COUNTRY_OF).replace('{k}', city),
        `${city} is the capital of ${country}.`,
      )
}

function opposite(random: Random): Message[] {
  const [left, right] = random.pick(Object.entries(OPPOSITES))
  const [word, other] = random.chance(0.5) ? [left, right] : [right, left]
  const form = random.pick(['What is the opposite of {x}?', 'Opposite of {x}?'])
  return exchange(form.replace('{x}', word), `The opposite of ${word} is ${other}.`)
}

function dayOfWeek(random: Random): Message[] {
  const index = random.integer(0, 6)
  const day = DAYS[index]
  return random.chance(0.5)
    ? exchange(`Which day comes after ${day}?`, `${DAYS[(index + 1) % 7]} comes after ${day}.`)
    : exchange(`Which day comes before ${day}?`, `${DAYS[(index + 6) % 7]} comes before ${day}.`)
}

function month(random: Random): Message[] {
  const index = random.integer(0, 11)
  const name = MONTHS[index]
  return random.chance(0.7)
    ? exchange(
        `Which month comes after ${name}?`,
        `${MONTHS[(index + 1) % 12]} comes after ${name}.`,
      )
    : exchange(`What is month number ${index + 1}?`, `Month number ${index + 1} is ${name}.`)
}

/** Capitals and opposites. */
export const factGenerators: readonly Generator[] = [
  { weight: 5, generate: capital },
  { weight: 2, generate: opposite },
]

/** Days and months. */
export const calendarGenerators: readonly Generator[] = [
  { weight: 2, generate: dayOfWeek },
  { weight: 2, generate: month },
]
