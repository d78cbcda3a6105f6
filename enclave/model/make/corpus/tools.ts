import type { Random } from '../random.ts'
import { someCity, someName, someWord, someWords } from './words.ts'

/** Parameter names and their JSON types. */
export type Parameters = Readonly<Record<string, string>>

/** A question that calls for a tool, and the arguments of the call as JSON. */
export interface ToolUse {
  readonly question: string
  readonly args: string
}

interface Tool {
  readonly parameters: Parameters
  /** `id` is a word that can only be copied. */
  readonly use: (random: Random, id: string) => ToolUse
}

const TWO_NUMBERS: Parameters = { a: 'number', b: 'number' }

function twoNumbers(random: Random, forms: (a: number, b: number) => string[]): ToolUse {
  const a = random.integer(0, 999)
  const b = random.integer(0, 999)
  return { question: random.pick(forms(a, b)), args: `{"a": ${a}, "b": ${b}}` }
}

/** The tools that examples offer and call; their order is part of what a seed gives. */
export const TOOLS: Readonly<Record<string, Tool>> = {
  get_weather: {
    parameters: { city: 'string' },
    use: (random) => {
      const city = someCity(random)
      return { question: `What is the weather in ${city}?`, args: `{"city": "${city}"}` }
    },
  },
  add: {
    parameters: TWO_NUMBERS,
    use: (random) =>
      twoNumbers(random, (a, b) => [`What is ${a} + ${b}?`, `Add ${a} and ${b}.`, `${a} + ${b}`]),
  },
  multiply: {
    parameters: TWO_NUMBERS,
    use: (random) =>
      twoNumbers(random, (a, b) => [
        `What is ${a} times ${b}?`,
        `Multiply ${a} by ${b}.`,
        `${a} * ${b}`,
      ]),
  },
  get_time: {
    parameters: { city: 'string' },
    use: (random) => {
      const city = someCity(random)
      const question = random.pick([`What time is it in ${city}?`, `Tell me the time in ${city}.`])
      return { question, args: `{"city": "${city}"}` }
    },
  },
  search: {
    parameters: { query: 'string' },
    use: (random) => {
      const query = someWords(random, 1, 3).join(' ')
      const question = random.pick([`Search for ${query}.`, `Find ${query}.`, `Look up ${query}.`])
      return { question, args: `{"query": "${query}"}` }
    },
  },
  get_quote: {
    parameters: { nonce: 'string' },
    use: (random, id) => {
      const question = random.pick([
        `Get a quote with the nonce ${id}.`,
        `Attest with nonce ${id}.`,
      ])
      return { question, args: `{"nonce": "${id}"}` }
    },
  },
  send_message: {
    parameters: { to: 'string', text: 'string' },
    use: (random) => {
      const to = someName(random)
      const text = someWords(random, 1, 3).join(' ')
      const question = random.pick([`Send ${to} the message: ${text}`, `Tell ${to}: ${text}`])
      return { question, args: `{"to": "${to}", "text": "${text}"}` }
    },
  },
}

/** One of the tools, and a use of it. */
export function someToolUse(random: Random): ToolUse & { readonly name: string } {
  const [name, tool] = random.pick(Object.entries(TOOLS))
  const id = `${someWord(random)}-${random.integer(1, 9)}`
  return { name, ...tool.use(random, id) }
}

/** The answer that calls a tool. */
export function toolCall(name: string, args: string): string {
  return `<tool_call>{"name": "${name}", "arguments": ${args}}</tool_call>`
}
