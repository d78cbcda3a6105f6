import { parseArgs } from 'node:util'
import { PLATFORMS } from '../../measurements/src/compose/app-compose.ts'
import { ARCHIVES } from '../../measurements/src/compose/network.ts'
import { COMPOSE_FILES } from '../../measurements/src/compose/node-compose.ts'
import { MeasureError } from '../../measurements/src/measure-error.ts'
import type { ProviderAnswers } from './provider-plan.ts'

/** Asks for one value; the flag's name, and what stands in brackets as default. */
export type Ask = (question: string, byDefault: string) => Promise<string>

/** Flags of `npm run provider:init`. */
export const FLAGS = {
  platform: { type: 'string' },
  name: { type: 'string' },
  description: { type: 'string' },
  url: { type: 'string' },
  agent: { type: 'string' },
  service: { type: 'string' },
  file: { type: 'string', default: 'app-compose.yaml' },
  network: { type: 'string' },
  archive: { type: 'string' },
  out: { type: 'string', default: 'provider' },
  help: { type: 'boolean', default: false },
} as const

/** Flags as they were given. */
export type Flags = ReturnType<typeof readFlags>

/** @throws MeasureError `MEASURE_USAGE` */
export function readFlags(args: readonly string[]): ReturnType<typeof parsed>['values'] {
  try {
    return parsed(args).values
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause
    throw new MeasureError('MEASURE_USAGE', cause.message, { cause })
  }
}

function parsed(args: readonly string[]): ReturnType<typeof parseArgs<{ options: typeof FLAGS }>> {
  return parseArgs({ args: [...args], options: FLAGS })
}

const MAX_UINT32 = 2 ** 32 - 1

/**
 * Answers from flags, and from questions where a flag is missing.
 * @throws MeasureError `MEASURE_USAGE`
 */
export async function gatherAnswers(flags: Flags, ask: Ask): Promise<ProviderAnswers> {
  const platform = flags.platform ?? (await ask(`platform (${PLATFORMS.join(', ')})`, 'bare-metal'))
  const name = flags.name ?? (await ask('name of the provider', ''))
  const description =
    flags.description ?? (await ask('one line about it', 'Confidential inference on Intel TDX'))
  const publicUrl = flags.url ?? (await ask('public https origin of the node', ''))
  const agent = flags.agent ?? (await ask('agent id (empty: not minted yet)', ''))
  const service = flags.service ?? (await ask('service id (empty: not added yet)', ''))
  if (name.trim() === '') throw usage('--name: missing')
  return {
    platform: oneOf(platform, '--platform', PLATFORMS),
    name,
    description,
    publicUrl: parseOrigin(publicUrl),
    agentId: agent === '' ? undefined : BigInt(decimal(agent, '--agent')),
    serviceId: service === '' ? undefined : serviceNumber(decimal(service, '--service')),
    file: oneOf(flags.file, '--file', COMPOSE_FILES),
    archive: flags.archive === undefined ? undefined : oneOf(flags.archive, '--archive', ARCHIVES),
  }
}

/** An origin alone, which is how the registry and the node's statement name a node. */
function parseOrigin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'https:' || url.href !== `${url.origin}/`) {
    throw usage(`--url: expected https://HOST[:PORT] alone, got ${JSON.stringify(text)}`)
  }
  return url.origin
}

function decimal(text: string, flag: string): string {
  if (/^(?:0|[1-9][0-9]{0,77})$/.test(text)) return text
  throw usage(`${flag}: expected a decimal integer, got ${JSON.stringify(text)}`)
}

function serviceNumber(text: string): number {
  if (Number(text) <= MAX_UINT32) return Number(text)
  throw usage('--service: expected at most 2^32 - 1')
}

function oneOf<Word extends string>(text: string, flag: string, words: readonly Word[]): Word {
  const found = words.find((word) => word === text)
  if (found !== undefined) return found
  throw usage(`${flag}: expected ${words.join(' or ')}, got ${JSON.stringify(text)}`)
}

function usage(message: string): MeasureError {
  return new MeasureError('MEASURE_USAGE', message)
}
