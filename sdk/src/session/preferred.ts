import {
  inOrderOf,
  isNamedIn,
  objectionTo,
  objectionToPrice,
  type Preferences,
  type ServiceFacts,
} from '@jeju/verifier/routing'
import type { ChainReader, PriceRecord } from '../chain/chain-reader.ts'
import { SdkError } from '../errors/sdk-error.ts'
import { byCost, type Candidate } from './candidates.ts'
import type { VerifiedSession } from './session-cache.ts'

/** The error for a preference that takes a provider away. */
export function notAllowed(param: string): SdkError {
  return new SdkError('NO_PROVIDER_ALLOWED', `${param}: no provider is left`, { param })
}

/** An error that is about one provider only, so that the next may be tried. Rejects with any other. */
export function asObjection(error: unknown): SdkError {
  if (error instanceof SdkError && error.code === 'NO_PROVIDER_ALLOWED') return error
  throw error
}

/** The price that is charged: a channel keeps that of its opening. Throws `NO_PROVIDER_ALLOWED`. */
export function requirePrice(price: PriceRecord, { provider }: Preferences): PriceRecord {
  const objection = objectionToPrice(price, provider?.max_price)
  if (objection !== undefined) throw notAllowed(objection)
  return price
}

/** What a gateway says of a model's providers where the chain says nothing: who it would ask, in which order. */
export type GatewayOrder = readonly bigint[] | undefined

/** Whether something is asked for that only a gateway knows: what it has measured, and what nodes say of themselves. */
export function needsGateway({ provider = {}, features = [] }: Preferences): boolean {
  const { sort, require_parameters } = provider
  const isMeasured = sort === 'latency' || sort === 'throughput'
  return isMeasured || (require_parameters === true && features.length > 0)
}

/**
 * What the chain alone refuses of the candidates of one model, and the others in the order in which they are tried. A
 * gateway's word can take away a provider that does not say it has the features, and order the others; it allows nobody.
 */
export function sift(
  candidates: readonly Candidate[],
  preferences: Preferences,
  by: {
    readonly gateway: GatewayOrder
    /** Whether one of them is verified already. */
    readonly isLive: (candidate: Candidate) => boolean
  },
): { readonly left: readonly Candidate[]; readonly objections: readonly string[] } {
  const { provider = {} } = preferences
  const { allow_fallbacks, order, require_parameters, sort } = provider
  const objections: string[] = []
  const allowed = candidates.filter((candidate) => {
    const objection =
      objectionTo(factsOf(candidate), preferences) ??
      (allow_fallbacks === false && order !== undefined && !isNamedIn(order, factsOf(candidate))
        ? 'provider.order'
        : undefined) ??
      (require_parameters === true && by.gateway?.includes(candidate.agentId) === false
        ? 'provider.require_parameters'
        : undefined)
    if (objection !== undefined) objections.push(objection)
    return objection === undefined
  })
  const rank = ({ agentId }: Candidate): number => {
    const at = by.gateway?.indexOf(agentId) ?? -1
    return at === -1 ? Number.MAX_SAFE_INTEGER : at
  }
  const sorted =
    sort === undefined
      ? allowed.toSorted((a, b) => Number(by.isLive(b)) - Number(by.isLive(a)))
      : allowed.toSorted(sort === 'price' ? byCost : (a, b) => rank(a) - rank(b))
  return { left: inOrderOf(order, sorted, factsOf), objections }
}

/** The member that does not allow a verified provider: everything is known of it now. */
export function objectionToSession(
  { candidate, claims, tier }: VerifiedSession,
  preferences: Preferences,
): string | undefined {
  const { allow_fallbacks, order } = preferences.provider ?? {}
  const model = claims.catalog.models.find(({ id }) => id === candidate.model)
  const facts: ServiceFacts = {
    ...factsOf(candidate),
    bindingId: claims.bindingId,
    tier: tier === 'simulated' ? 'simulated' : claims.gpu === undefined ? 'tdx' : 'tdx_gpu',
    quantization: model?.quantization ?? '',
  }
  const isElse = allow_fallbacks === false && order !== undefined && !isNamedIn(order, facts)
  return objectionTo(facts, preferences) ?? (isElse ? 'provider.order' : undefined)
}

/** Whether bindings are named and this one is not wanted: an agent may have a node with another, so it is asked again. */
export function mayProveAnother(session: VerifiedSession, preferences: Preferences): boolean {
  const { only = [], order = [], ignore = [] } = preferences.provider ?? {}
  const namesBindings = [...only, ...order, ...ignore].some(isBinding)
  return namesBindings && objectionToSession(session, preferences) !== undefined
}

function factsOf({ agentId, operator, price }: Candidate): ServiceFacts {
  return { agentId, owner: operator, price }
}

/**
 * The same preferences for candidates of whom no binding is proven yet: a binding stands for the agent that has it on
 * chain, where somebody wants it. Whether the agent's node proves that binding is judged when it is verified.
 */
export async function beforeEvidence(
  preferences: Preferences,
  chain: Pick<ChainReader, 'binding'>,
): Promise<Preferences> {
  const { provider } = preferences
  if (provider === undefined) return preferences
  const agents = async (
    names: readonly string[] | undefined,
  ): Promise<readonly string[] | undefined> =>
    names === undefined ? undefined : Promise.all(names.map((name) => agentNamed(name, chain)))
  const [only, order] = await Promise.all([agents(provider.only), agents(provider.order)])
  return { ...preferences, provider: { ...provider, only, order } }
}

/** Agents that preferences name by their ids: no gateway has to hint at them. */
export function agentsNamed({ provider: { only = [], order = [] } = {} }: Preferences): bigint[] {
  const ids = [...only, ...order].filter((name) => /^[0-9]+$/.test(name)).map(BigInt)
  return [...new Set(ids)].filter((id) => id >> 256n === 0n)
}

async function agentNamed(name: string, chain: Pick<ChainReader, 'binding'>): Promise<string> {
  if (!isBinding(name)) return name
  const { valid, agentId } = await chain.binding(name)
  return valid ? agentId.toString() : name
}

function isBinding(name: string): name is `0x${string}` {
  return /^0x[0-9a-f]{64}$/.test(name)
}
