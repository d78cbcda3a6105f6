import type { Random } from '../random.ts'
import type { Message } from './message.ts'
import { TOOLS, type Parameters, type ToolUse } from './tools.ts'
import { capitalize } from './wording.ts'
import { inventedWord, someWord } from './words.ts'

const VERBS = ['get', 'find', 'open', 'check', 'delete', 'create', 'show', 'read', 'start', 'stop']
const THINGS = [
  'order',
  'user',
  'price',
  'file',
  'room',
  'ticket',
  'note',
  'task',
  'wallet',
  'model',
  'key',
  'receipt',
  'job',
  'page',
]
const KEYS = ['id', 'name', 'title', 'code', 'label']

/** A tool by its name and the JSON that offers it. */
export interface Offer {
  readonly name: string
  readonly json: string
}

/** Offers a tool with the JSON that the chat template prints for it. */
function offerJson(
  random: Random,
  name: string,
  parameters: Parameters,
  description: string = name.replace(/_/g, ' '),
): string {
  const described = random.chance(0.7) ? `"description": "${description}", ` : ''
  const properties = Object.entries(parameters)
    .map(([key, type]) => `"${key}": {"type": "${type}"}`)
    .join(', ')
  const names = Object.keys(parameters).map((key) => `"${key}"`)
  const required = random.chance(0.5) ? `, "required": [${names.join(', ')}]` : ''
  const schema = `{"type": "object", "properties": {${properties}}${required}}`
  return `{"name": "${name}", ${described}"parameters": ${schema}}`
}

/** The system message that offers one of {@link TOOLS}, or the tool given as an offer, among others. */
export function toolsMessage(random: Random, wanted: string | Offer): Message {
  const must = typeof wanted === 'string' ? wanted : wanted.name
  const others = random.shuffle(Object.keys(TOOLS).filter((name) => name !== must))
  const names = random.shuffle([must, ...others.slice(0, random.pick([0, 0, 1, 2]))])
  const offers = names.map((name) => {
    if (typeof wanted !== 'string' && name === must) return wanted.json
    const tool = TOOLS[name]
    if (!tool) throw new RangeError(`no tool ${name}`)
    return offerJson(random, name, tool.parameters)
  })
  return { role: 'system', content: `Tools: ${offers.join('')}` }
}

/** A tool that no other example has: it can only be called by reading its offer. */
export function inventedTool(random: Random): Offer & ToolUse {
  const verb = random.pick(VERBS)
  const thing = random.pick(THINGS)
  const key = random.pick(KEYS)
  const value = random.chance(0.4) ? `${random.integer(1, 9999)}` : someWord(random)
  const name = random.chance(0.8) ? `${verb}_${thing}` : `${inventedWord(random)}_${thing}`
  const json = offerJson(random, name, { [key]: 'string' }, `${verb} a ${thing}`)
  const question = random.pick([
    `${capitalize(verb)} the ${thing} with ${key} ${value}.`,
    `${verb} ${thing} ${value}`,
    `Please ${verb} the ${thing} ${value}.`,
    `Can you ${verb} the ${thing} with the ${key} ${value}?`,
  ])
  return { name, json, question, args: `{"${key}": "${value}"}` }
}
