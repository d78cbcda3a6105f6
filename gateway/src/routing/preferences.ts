import { JsonError, parseStrictJson, type PromptPath } from '@jeju/verifier/protocol'
import {
  BODY_MEMBERS,
  NO_PREFERENCES,
  parsePreferences,
  RoutingError,
  usedFeatures,
  type Preferences,
} from '@jeju/verifier/routing'
import { GatewayError } from '../http/gateway-error.ts'

/** Request header that says where a request may go: JSON, because a sealed body says nothing to a gateway. */
export const ROUTING_HEADER = 'compute-routing'

const MAX_HEADER_CHARACTERS = 8_192

/** Whether a body may have a member about routing; false where it certainly has none. */
export function statesRouting(body: Buffer): boolean {
  return BODY_MEMBERS.some((name) => body.includes(`"${name}"`))
}

/**
 * Preferences of the routing header.
 * @throws GatewayError `invalid_request` that names the member
 */
export function readPreferences(header: string | undefined): Preferences {
  if (header === undefined) return NO_PREFERENCES
  if (header.length > MAX_HEADER_CHARACTERS) {
    throw refused(new RoutingError(ROUTING_HEADER, `more than ${MAX_HEADER_CHARACTERS} characters`))
  }
  return readingPreferences(() => parsePreferences(readJson(header), ROUTING_HEADER))
}

/**
 * The members of a plain body that say the same; undefined where it says nothing. What a caller signed for passes as it
 * is, and the node sees the members too. What `require_parameters` demands is read of the body itself.
 * @throws GatewayError `invalid_request` that names the member
 */
export function preferencesOfBody(body: Buffer, path: PromptPath): Preferences | undefined {
  if (!statesRouting(body)) return undefined
  let value: unknown
  try {
    value = JSON.parse(body.toString('utf8'))
  } catch {
    // The node answers for what is no JSON.
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const members = Object.entries(value).filter(([name]) => BODY_MEMBERS.includes(name))
  const stated = members.filter(([, member]) => member !== null)
  if (stated.length === 0) return undefined
  const preferences = readingPreferences(() => parsePreferences(Object.fromEntries(stated), 'body'))
  if (preferences.provider?.require_parameters !== true) return preferences
  return { ...preferences, features: usedFeatures(path, { ...value }) }
}

/** What `reading` gives. @throws GatewayError `invalid_request` for a RoutingError */
export function readingPreferences<Value>(reading: () => Value): Value {
  try {
    return reading()
  } catch (error) {
    if (!(error instanceof RoutingError)) throw error
    throw refused(error)
  }
}

function readJson(text: string): unknown {
  try {
    return parseStrictJson(text, { maxDepth: 8 })
  } catch (error) {
    if (!(error instanceof JsonError)) throw error
    throw new RoutingError(ROUTING_HEADER, 'expected JSON')
  }
}

function refused({ message, param }: RoutingError): GatewayError {
  return new GatewayError('invalid_request', message, { param })
}
