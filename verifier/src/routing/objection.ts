import type { TokenPrice } from '../protocol/fee.ts'
import { isAtLeast, type MaxPrice, type Preferences, type ServiceTier } from './preferences.ts'

/** What is known of a service. What nobody has verified yet is absent, and no preference objects to it. */
export interface ServiceFacts {
  readonly agentId: bigint
  /** Lower case. */
  readonly owner: string
  readonly price: TokenPrice
  /** Lower case. */
  readonly bindingId?: string
  readonly tier?: ServiceTier
  readonly quantization?: string
}

/** The member of the preferences that does not allow this service; undefined where all of them do. */
export function objectionTo(
  facts: ServiceFacts,
  { provider = {}, min_tier }: Preferences,
): string | undefined {
  const { only, ignore, max_price, quantizations } = provider
  const { price, tier, quantization } = facts
  if (min_tier !== undefined && tier !== undefined && !isAtLeast(tier, min_tier)) return 'min_tier'
  if (only !== undefined && !isNamedIn(only, facts)) return 'provider.only'
  if (ignore !== undefined && isNamedIn(ignore, facts)) return 'provider.ignore'
  if (quantizations !== undefined && quantization !== undefined) {
    if (!quantizations.includes(quantization)) return 'provider.quantizations'
  }
  return objectionToPrice(price, max_price)
}

/** The member that this price is above. */
export function objectionToPrice(
  { inPerMTok, outPerMTok }: TokenPrice,
  { prompt, completion }: MaxPrice = {},
): string | undefined {
  if (prompt !== undefined && inPerMTok > prompt) return 'provider.max_price.prompt'
  if (completion !== undefined && outPerMTok > completion) return 'provider.max_price.completion'
  return undefined
}

type Names = Pick<ServiceFacts, 'agentId' | 'owner' | 'bindingId'>

/** Whether a list of names has this provider, by agent id, owner or binding. */
export function isNamedIn(names: readonly string[], { agentId, owner, bindingId }: Names): boolean {
  return names.some((name) => [agentId.toString(), owner, bindingId].includes(name))
}

/** Those that `order` names first, in its order; the others as they are. */
export function inOrderOf<One>(
  order: readonly string[] | undefined,
  services: readonly One[],
  namesOf: (service: One) => Names,
): readonly One[] {
  if (order === undefined) return services
  const place = (service: One): number => {
    const at = order.findIndex((name) => isNamedIn([name], namesOf(service)))
    return at === -1 ? order.length : at
  }
  return services.toSorted((a, b) => place(a) - place(b))
}
