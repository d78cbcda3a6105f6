import type { IncomingHttpHeaders } from 'node:http'
import {
  parsePromptRequest,
  SdkError,
  type PromptRequest,
  type RequestBounds,
} from '@jeju/sdk/payment'
import { utf8, type PromptPath } from '@jeju/verifier/protocol'
import {
  takeRouting,
  type MaxPrice,
  type Preferences,
  type RoutedBody,
} from '@jeju/verifier/routing'
import { ENCAPSULATED_KEY_HEADER } from '@jeju/verifier/sealing'
import { GatewayError } from '../http/gateway-error.ts'
import { readingPreferences, statesRouting } from '../routing/preferences.ts'

/** A prompt that the gateway pays for. */
export interface PaidPrompt {
  /** Models that may answer, the first that somebody has. */
  readonly models: readonly string[]
  /** What a million tokens may cost at most, where its caller says so. */
  readonly maxPrice: MaxPrice | undefined
  /** What bounds the price with one of them; costs nothing, however many there are. */
  boundsWith(model: string): RequestBounds
  /** What a node of one of them is sent. */
  forModel(model: string): PromptRequest
}

/**
 * What a gateway has to read of a prompt that it pays for: the models, and what bounds the answer. What is about routing
 * is the gateway's and does not reach a node, which would refuse it; with several models each node is sent its own. All
 * else stays byte by byte as it came.
 * @throws GatewayError `invalid_request`, for a sealed body too, of which it can read neither
 */
export function readPrompt(
  body: Buffer,
  path: PromptPath,
  headers: IncomingHttpHeaders,
  { models: others = [], provider: { max_price: maxPrice } = {} }: Preferences,
): PaidPrompt {
  if (headers[ENCAPSULATED_KEY_HEADER] !== undefined) {
    const text = 'body: a sealed one names no model; sign an authorisation for its node'
    throw new GatewayError('invalid_request', text)
  }
  if (!statesRouting(body) && others.length === 0) {
    const only = parse(new Uint8Array(body), path)
    return { models: [only.model], maxPrice, boundsWith: () => only, forModel: () => only }
  }
  const routed = routedBody(body)
  // The one that is named is wanted most; without it the first of the others is.
  const named = routed.namesModel ? parse(utf8(routed.own), path).model : others[0]
  if (named === undefined) throw new GatewayError('invalid_request', 'model: expected one')
  const bodyWith = (model: string): Uint8Array<ArrayBuffer> => utf8(routed.forModel(model))
  // Read once: the others differ in nothing but the model's name, and anybody may list many.
  const first = parse(bodyWith(named), path)
  const { length } = first.body
  return {
    models: [...new Set([named, ...others])],
    maxPrice,
    boundsWith: (model) => ({
      maxTokens: first.maxTokens,
      body: { length: length - lengthOf(named) + lengthOf(model) },
    }),
    forModel: (model) => ({ ...first, model, body: bodyWith(model) }),
  }
}

function lengthOf(model: string): number {
  return Buffer.byteLength(JSON.stringify(model))
}

function routedBody(body: Buffer): RoutedBody {
  const text = body.toString('utf8')
  if (!isObject(text)) throw new GatewayError('invalid_request', 'body: expected a JSON object')
  return readingPreferences(() => takeRouting(text))
}

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}

function parse(body: Uint8Array<ArrayBuffer>, path: PromptPath): PromptRequest {
  try {
    return parsePromptRequest(body, path)
  } catch (error) {
    if (!(error instanceof SdkError)) throw error
    throw new GatewayError('invalid_request', error.message)
  }
}
