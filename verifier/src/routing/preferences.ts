import { RoutingError } from './routing-error.ts'
import {
  asEach,
  asFlag,
  asIntegerAmount,
  asMatching,
  asMembers,
  asOneOf,
  optional,
} from './read-preference.ts'

/** What a node is called by its hardware, from weakest to strongest. */
export const SERVICE_TIERS = ['simulated', 'tdx', 'tdx_gpu'] as const

/** One of {@link SERVICE_TIERS}. */
export type ServiceTier = (typeof SERVICE_TIERS)[number]

/** Whether a tier is at least another. */
export function isAtLeast(tier: ServiceTier, least: ServiceTier): boolean {
  return SERVICE_TIERS.indexOf(tier) >= SERVICE_TIERS.indexOf(least)
}

/** Wei per million tokens at most; what is absent is not bounded. */
export interface MaxPrice {
  readonly prompt?: bigint | undefined
  readonly completion?: bigint | undefined
}

const SORTS = ['price', 'latency', 'throughput'] as const

/** `provider` of OpenRouter and of ACI, as far as it means something here; other members are refused by name. */
export interface ProviderPreferences {
  /** Names of providers: agent ids, owners, bindings; lower case. */
  readonly order?: readonly string[] | undefined
  readonly only?: readonly string[] | undefined
  readonly ignore?: readonly string[] | undefined
  readonly sort?: (typeof SORTS)[number] | undefined
  readonly max_price?: MaxPrice | undefined
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
  readonly min_tier?: ServiceTier | undefined
  /** What the request uses; demanded of a node with `require_parameters`. */
  readonly features?: readonly string[] | undefined
}

const MAX_NAMES = 64
const MAX_SESSIONS = 256

/** No preference at all. */
export const NO_PREFERENCES: Preferences = {}

/**
 * Preferences out of JSON. Unknown members are refused: what is not understood must not be ignored.
 * @param whole how the whole is called in messages
 * @throws RoutingError that names the member
 */
export function parsePreferences(value: unknown, whole: string): Preferences {
  const stated = asMembers(value, '', ['provider', 'models', 'min_tier', 'features'], whole)
  return present({
    provider: optional(stated, '', 'provider', asProvider),
    models: optional(stated, '', 'models', asEach({ min: 1, max: MAX_NAMES }, asName(256))),
    min_tier: optional(stated, '', 'min_tier', asOneOf(SERVICE_TIERS)),
    features: optional(stated, '', 'features', asEach({ min: 0, max: MAX_NAMES }, asName(64))),
  })
}

function asProvider(value: unknown, place: string): ProviderPreferences {
  const stated = asMembers(value, place, PROVIDER_MEMBERS)
  const names = (member: string): readonly string[] | undefined =>
    optional(stated, place, member, asEach({ min: 1, max: MAX_NAMES }, asProviderName))
  const flag = (member: string): boolean | undefined => optional(stated, place, member, asFlag)
  const sessions = asEach({ min: 1, max: MAX_SESSIONS }, asSessionId)
  const quantizations = asEach({ min: 1, max: MAX_NAMES }, asName(64))
  const provider = {
    order: names('order'),
    only: names('only'),
    ignore: names('ignore'),
    sort: optional(stated, place, 'sort', asOneOf(SORTS)),
    max_price: optional(stated, place, 'max_price', asMaxPrice),
    allow_fallbacks: flag('allow_fallbacks'),
    require_parameters: flag('require_parameters'),
    quantizations: optional(stated, place, 'quantizations', quantizations),
    data_collection: optional(stated, place, 'data_collection', asOneOf(['allow', 'deny'])),
    zdr: flag('zdr'),
    aci_verified: flag('aci_verified'),
    aci_session_ids: optional(stated, place, 'aci_session_ids', sessions),
  }
  if (provider.aci_verified === false && provider.aci_session_ids !== undefined) {
    throw new RoutingError(`${place}.aci_session_ids`, 'not together with aci_verified false')
  }
  return present(provider)
}

const PROVIDER_MEMBERS: readonly (keyof ProviderPreferences)[] = [
  'order',
  'only',
  'ignore',
  'sort',
  'max_price',
  'allow_fallbacks',
  'require_parameters',
  'quantizations',
  'data_collection',
  'zdr',
  'aci_verified',
  'aci_session_ids',
]

function asMaxPrice(value: unknown, place: string): MaxPrice {
  const stated = asMembers(value, place, ['prompt', 'completion'])
  return present({
    prompt: optional(stated, place, 'prompt', asIntegerAmount),
    completion: optional(stated, place, 'completion', asIntegerAmount),
  })
}

/** A provider by its agent id, its owner or its binding. */
function asProviderName(value: unknown, place: string): string {
  const expected = 'an agent id, an owner’s address or a binding id'
  const name = asMatching(/^((0|[1-9][0-9]{0,77})|0x[0-9a-fA-F]{40}|0x[0-9a-fA-F]{64})$/, expected)
  return name(value, place).toLowerCase()
}

const asSessionId = asMatching(/^[0-9a-f]{64}$/, '64 lowercase hex characters')

function asName(max: number): (value: unknown, place: string) => string {
  return asMatching(new RegExp(`^[^]{1,${max}}$`), `a string of 1 to ${max} characters`)
}

/** Without the members that nobody stated, so that nothing stated is an empty object. */
function present<Whole extends object>(whole: Whole): Whole {
  const stated = Object.entries(whole).filter(([, value]) => value !== undefined)
  return Object.fromEntries(stated) as Whole
}
