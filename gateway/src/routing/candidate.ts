import type { Hex, ModelDescriptor } from '@jeju/verifier/protocol'
import { inOrderOf, isNamedIn, objectionTo, type Preferences } from '@jeju/verifier/routing'
import { sessionIdOf, type Lease } from '../admission/lease.ts'
import type { Price } from '../chain/gateway-chain.ts'
import { GatewayError } from '../http/gateway-error.ts'
import type { ProviderHealth } from './provider-health.ts'

/** A verified node that could answer, with the model it proves and what it costs. */
export interface Candidate {
  readonly lease: Lease
  readonly serviceId: number
  readonly modelId: Hex
  readonly model: ModelDescriptor
  readonly price: Price
}

/** Features a node says it has; nothing proves them, so they only ever take candidates away. */
export type FeaturesOf = (lease: Lease) => Promise<ReadonlySet<string>>

/**
 * The candidates that the preferences allow.
 * @throws GatewayError `session_not_accepted`, `no_provider_allowed` that names the member which took the last one away
 */
export async function allowedBy<One extends Candidate>(
  candidates: readonly One[],
  preferences: Preferences,
  featuresOf: FeaturesOf,
): Promise<readonly One[]> {
  // All at once: a node that does not say what it can do keeps nobody waiting for the others.
  const objections = await Promise.all(
    candidates.map(
      async (candidate) =>
        objectionToCandidate(candidate, preferences) ??
        (await missingFeature(candidate, preferences, featuresOf)),
    ),
  )
  const left = candidates.filter((_, index) => objections[index] === undefined)
  const objection = objections.find((own) => own !== undefined)
  if (left.length > 0 || objection === undefined) return left
  if (objection === 'provider.aci_session_ids') {
    throw new GatewayError('session_not_accepted', `${objection}: none of them is current here`, {
      param: objection,
    })
  }
  throw new GatewayError('no_provider_allowed', `${objection}: no provider is left`, {
    param: objection,
  })
}

/** Who is tried first: those of `order`, then by `sort`; without either `otherwise` decides. */
export function inOrder<One extends Candidate>(
  candidates: readonly One[],
  { provider = {} }: Preferences,
  health: Pick<ProviderHealth, 'of'>,
  otherwise: (candidates: readonly One[]) => readonly One[],
): readonly One[] {
  const { order, sort } = provider
  const sorted =
    sort === undefined ? otherwise(candidates) : candidates.toSorted(comparing(sort, health))
  return inOrderOf(order, sorted, ({ lease }) => lease)
}

/**
 * Who may be tried at all: with `allow_fallbacks` false those that `order` names, or the first alone where it names
 * nobody (as OpenRouter has it: the primary one, or the caller's own list).
 * @throws GatewayError `no_provider_allowed`
 */
export function withinFallbacks<One extends Candidate>(
  ordered: readonly One[],
  { provider = {} }: Preferences,
): readonly One[] {
  const { allow_fallbacks: mayFallBack, order } = provider
  if (mayFallBack !== false) return ordered
  if (order === undefined) return ordered.slice(0, 1)
  const named = ordered.filter(({ lease }) => isNamedIn(order, lease))
  if (named.length > 0 || ordered.length === 0) return named
  const param = 'provider.order'
  throw new GatewayError('no_provider_allowed', `${param}: no provider is left`, { param })
}

/** At random, the cheaper the likelier: by the inverse square of the price, so that load spreads. */
export function byWeight<One extends Candidate>(
  candidates: readonly One[],
  random: () => number = Math.random,
): readonly One[] {
  // Efraimidis and Spirakis: the largest u^(1/w) first.
  const keyed = candidates.map((one) => {
    const cost = Number(costOf(one)) + 1
    return { one, key: Math.log(random()) * cost * cost }
  })
  return keyed.toSorted((a, b) => b.key - a.key).map(({ one }) => one)
}

function objectionToCandidate(
  { lease, model, price }: Candidate,
  preferences: Preferences,
): string | undefined {
  const { agentId, owner, bindingId, tier } = lease
  const { provider: { aci_session_ids: pins } = {}, models } = preferences
  if (models !== undefined && !models.includes(model.id)) return 'models'
  const { quantization } = model
  const facts = { agentId, owner, bindingId, tier, quantization, price }
  const objection = objectionTo(facts, preferences)
  if (objection !== undefined) return objection
  return pins === undefined || pins.includes(sessionIdOf(lease))
    ? undefined
    : 'provider.aci_session_ids'
}

async function missingFeature(
  { lease }: Candidate,
  { provider = {}, features = [] }: Preferences,
  featuresOf: FeaturesOf,
): Promise<string | undefined> {
  if (provider.require_parameters !== true || features.length === 0) return undefined
  const own = await featuresOf(lease)
  return features.every((feature) => own.has(feature)) ? undefined : 'provider.require_parameters'
}

/** An answer costs about as many tokens as its question. */
function costOf({ price }: Candidate): bigint {
  return price.inPerMTok + price.outPerMTok
}

/** Nobody is measured who is never asked: who has no figures yet comes first. */
function comparing(
  sort: 'price' | 'latency' | 'throughput',
  health: Pick<ProviderHealth, 'of'>,
): (a: Candidate, b: Candidate) => number {
  const latency = ({ lease }: Candidate): number => health.of(lease.agentId).latencyMs ?? 0
  const throughput = ({ lease }: Candidate): number =>
    health.of(lease.agentId).bytesPerSecond ?? Number.MAX_VALUE
  switch (sort) {
    case 'price':
      return (a, b) => Number(costOf(a) > costOf(b)) - Number(costOf(a) < costOf(b))
    case 'latency':
      return (a, b) => latency(a) - latency(b)
    case 'throughput':
      return (a, b) => throughput(b) - throughput(a)
  }
}
