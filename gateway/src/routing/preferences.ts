import { JsonError, parseStrictJson, type PromptPath } from '@jeju/verifier/protocol'
import { z } from 'zod'
import { TIERS, type LeaseTier } from '../admission/lease.ts'
import { GatewayError } from '../http/gateway-error.ts'
import { usedFeatures } from './used-features.ts'

/** Request header that says where a request may go: JSON, because a sealed body says nothing to a gateway. */
export const ROUTING_HEADER = 'compute-routing'

/** `provider` of OpenRouter and of ACI, as far as it means something here; other members are refused by name. */
export interface ProviderPreferences {
  /** Names of providers: agent ids, owners, bindings. */
  readonly order?: readonly string[] | undefined
  readonly only?: readonly string[] | undefined
  readonly ignore?: readonly string[] | undefined
  readonly sort?: 'price' | 'latency' | 'throughput' | undefined
  /** Wei per million tokens. */
  readonly max_price?:
    { readonly prompt?: bigint | undefined; readonly completion?: bigint | undefined } | undefined
  readonly allow_fallbacks?: boolean | undefined
  readonly require_parameters?: boolean | undefined
  readonly quantizations?: readonly string[] | undefined
  /** The verified posture is the answer to both: no node of this protocol keeps content. */
  readonly data_collection?: 'allow' | 'deny' | undefined
  readonly zdr?: boolean | undefined
  readonly aci_verified?: boolean | undefined
  readonly aci_session_ids?: readonly string[] | undefined
}

/** Where a request may go, and who is tried first (docs/protocol.md §8). */
export interface Preferences {
  readonly provider?: ProviderPreferences | undefined
  readonly models?: readonly string[] | undefined
  readonly min_tier?: LeaseTier | undefined
  readonly features?: readonly string[] | undefined
}

const MAX_HEADER_CHARACTERS = 8_192
const MAX_NAMES = 64

/** A provider by its agent id, its owner or its binding. */
const providerName = z
  .string()
  .regex(
    /^((0|[1-9][0-9]{0,77})|0x[0-9a-fA-F]{40}|0x[0-9a-fA-F]{64})$/,
    'expected an agent id, an owner’s address or a binding id',
  )
  .transform((name) => name.toLowerCase())
const providerNames = z.array(providerName).min(1).max(MAX_NAMES)
const wei = z
  .union([z.string().regex(/^(0|[1-9][0-9]{0,38})$/), z.int().min(0)])
  .transform((value) => BigInt(value))

const provider: z.ZodType<ProviderPreferences> = z
  .strictObject({
    order: providerNames.optional(),
    only: providerNames.optional(),
    ignore: providerNames.optional(),
    sort: z.enum(['price', 'latency', 'throughput']).optional(),
    max_price: z.strictObject({ prompt: wei.optional(), completion: wei.optional() }).optional(),
    allow_fallbacks: z.boolean().optional(),
    require_parameters: z.boolean().optional(),
    quantizations: z.array(z.string().min(1).max(64)).min(1).max(MAX_NAMES).optional(),
    data_collection: z.enum(['allow', 'deny']).optional(),
    zdr: z.boolean().optional(),
    aci_verified: z.boolean().optional(),
    aci_session_ids: z
      .array(z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lowercase hex characters'))
      .min(1)
      .max(256)
      .optional(),
  })
  .refine(
    ({ aci_verified, aci_session_ids }) => aci_verified !== false || aci_session_ids === undefined,
    { path: ['aci_session_ids'], message: 'not together with aci_verified false' },
  )

const routing: z.ZodType<Preferences> = z.strictObject({
  provider: provider.optional(),
  models: z.array(z.string().min(1).max(256)).min(1).max(MAX_NAMES).optional(),
  min_tier: z.enum(TIERS).optional(),
  /** What the request uses; demanded of a node with `require_parameters`. */
  features: z.array(z.string().min(1).max(64)).max(MAX_NAMES).optional(),
})

/** Members of a plain body that are about routing, and of no API. */
export const BODY_MEMBERS: readonly string[] = ['provider', 'models', 'min_tier']

/** Whether a body may have one of them; false where it certainly has none. */
export function statesRouting(body: Buffer): boolean {
  return BODY_MEMBERS.some((name) => body.includes(`"${name}"`))
}

/** No preference at all. */
export const NO_PREFERENCES: Preferences = {}

/**
 * Preferences of the routing header.
 * @throws GatewayError `invalid_request` that names the member
 */
export function readPreferences(header: string | undefined): Preferences {
  if (header === undefined) return NO_PREFERENCES
  if (header.length > MAX_HEADER_CHARACTERS) {
    throw wrong(ROUTING_HEADER, `more than ${MAX_HEADER_CHARACTERS} characters`)
  }
  return parse(readJson(header))
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
  const preferences = parse(Object.fromEntries(stated))
  if (preferences.provider?.require_parameters !== true) return preferences
  return { ...preferences, features: usedFeatures(path, { ...value }) }
}

function parse(value: unknown): Preferences {
  const parsed = routing.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const path = issue?.path.join('.') ?? ''
  if (issue?.code === 'unrecognized_keys') {
    const field = [path, issue.keys[0]].filter((part) => part !== '').join('.')
    throw wrong(field, 'unknown member')
  }
  throw wrong(path === '' ? ROUTING_HEADER : path, issue?.message ?? 'not readable')
}

function readJson(text: string): unknown {
  try {
    return parseStrictJson(text, { maxDepth: 8 })
  } catch (error) {
    if (!(error instanceof JsonError)) throw error
    throw wrong(ROUTING_HEADER, 'expected JSON')
  }
}

function wrong(param: string, text: string): GatewayError {
  return new GatewayError('invalid_request', `${param}: ${text}`, { param })
}
