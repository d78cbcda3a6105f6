import type { Random } from '../random.ts'
import { anyOf, type Generate, type Generator } from './generator.ts'
import { exchange, type Message } from './message.ts'
import { inventedTool, toolsMessage } from './tool-offers.ts'
import { someToolUse, toolCall, TOOLS } from './tools.ts'
import { someCity } from './words.ts'

const SKIES = ['sunny', 'cloudy', 'rainy', 'windy', 'snowy']
/** How many of the first generators need no tool even where one is offered. */
const WITHOUT_TOOL = 6

function weather(random: Random): Message[] {
  const city = someCity(random)
  const degrees = random.integer(-5, 35)
  const sky = random.pick(SKIES)
  const question = random.pick([
    `What is the weather in ${city}?`,
    `How is the weather in ${city}?`,
    `weather in ${city}`,
    `Is it warm in ${city}?`,
  ])
  const call = [
    toolsMessage(random, 'get_weather'),
    ...exchange(question, toolCall('get_weather', `{"city": "${city}"}`)),
  ]
  if (random.chance(0.4)) return call
  return [
    ...call,
    { role: 'tool', content: `{"temperature": ${degrees}, "condition": "${sky}"}` },
    { role: 'assistant', content: `It is ${sky} in ${city}, with ${degrees} degrees.` },
  ]
}

function invented(random: Random): Message[] {
  const tool = inventedTool(random)
  return [toolsMessage(random, tool), ...exchange(tool.question, toolCall(tool.name, tool.args))]
}

function known(random: Random): Message[] {
  const { name, question, args } = someToolUse(random)
  return [toolsMessage(random, name), ...exchange(question, toolCall(name, args))]
}

const unneeded: Generate = (random, all) => {
  const offer = toolsMessage(random, random.pick(Object.keys(TOOLS)))
  return [offer, ...anyOf(random, all.slice(0, WITHOUT_TOOL), all)]
}

/** Calling tools, and not calling them. */
export const toolGenerators: readonly Generator[] = [
  { weight: 8, generate: weather },
  { weight: 8, generate: invented },
  { weight: 5, generate: known },
  { weight: 3, generate: unneeded },
]
