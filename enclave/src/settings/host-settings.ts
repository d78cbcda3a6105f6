import { parseStrictJson } from '@jeju/verifier/protocol'
import { ConfigError, SETTING_NAMES } from '../config.ts'
import { environmentProblems } from './environment.ts'

/** Settings whose value the host may choose: who the provider is, and where on this machine. */
export const HOST_SETTINGS = ['AGENT_ID', 'PORT', 'PUBLIC_URL', 'SERVICE_ID', 'STATE_DIR'] as const

/** Of a compose file of dstack. */
const MAX_DEPTH = 32

/**
 * Looks at the names that the measured compose file lets the host choose values of: whatever else configures this node,
 * or the runtime under it, has to be measured (attack A6).
 * @throws ConfigError
 */
export function requireMeasuredSettings(appCompose: Uint8Array): void {
  const problems = namesIn(appCompose).flatMap((name) => {
    const isOurs = SETTING_NAMES.includes(name) && !HOST_SETTINGS.some((known) => known === name)
    const isTheRuntimes = environmentProblems({ [name]: '' }).length > 0
    return isOurs || isTheRuntimes ? [`allowed_envs: ${name} has to be measured`] : []
  })
  if (problems.length > 0) throw new ConfigError(problems)
}

function namesIn(appCompose: Uint8Array): readonly string[] {
  const wrong = (text: string): ConfigError => new ConfigError([`app-compose: ${text}`])
  let document: unknown
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(appCompose)
    // A list that stands twice is one for this node and another for who starts it.
    document = parseStrictJson(text, { maxDepth: MAX_DEPTH })
  } catch {
    throw wrong('not JSON of one meaning')
  }
  if (typeof document !== 'object' || document === null) throw wrong('expected an object')
  const names: unknown = 'allowed_envs' in document ? document.allowed_envs : []
  if (names === null) return []
  const isList = Array.isArray(names) && names.every((name) => typeof name === 'string')
  if (!isList) throw wrong('allowed_envs: expected a list of names')
  return names
}
