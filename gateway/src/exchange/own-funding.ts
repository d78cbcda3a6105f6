import type { Preferences } from '@jeju/verifier/routing'
import type { Leases } from '../admission/leases.ts'
import { GatewayError } from '../http/gateway-error.ts'
import type { Payer, Payers } from '../payment/payers.ts'
import { allowedBy, inOrder, withinFallbacks, type FeaturesOf } from '../routing/candidate.ts'
import type { ProviderHealth } from '../routing/provider-health.ts'
import type { Attempt, FundingSource, Plan } from './funding.ts'
import { readOffers, requireSigned, type Offer } from './offers.ts'

/** Collaborators of {@link createOwnFunding}. */
export interface OwnFundingParts {
  readonly leases: Pick<Leases, 'byBinding'>
  readonly payers: Payers
  readonly health: ProviderHealth
  readonly featuresOf: FeaturesOf
}

/** Authorisations that the caller has signed for channels of its own; they pass as they are (docs/protocol.md §5). */
export function createOwnFunding(parts: OwnFundingParts): FundingSource {
  return async (headers, path) => {
    const read = readOffers(headers)
    if (read === undefined) return undefined
    const offers = leased(read, parts.leases)
    return {
      plan: async (body, preferences) => {
        for (const offer of offers) requireSigned(offer, path, body)
        return planOf(offers, preferences, parts)
      },
    }
  }
}

/** Offers whose binding has a lease now; none is a refusal. */
function leased(offers: readonly Offer[], leases: Pick<Leases, 'byBinding'>): readonly Offer[] {
  const left = offers.filter(({ signed }) => leases.byBinding(signed.auth.bindingId) !== undefined)
  if (left.length > 0) return left
  throw new GatewayError('provider_not_admitted', 'no verified node has that binding now', {
    retryAfterS: 2,
  })
}

/**
 * The nodes that may answer, in the order in which they are tried: leased, paid for by a channel of theirs, proving
 * the model that the channel is for, allowed by the preferences.
 */
async function planOf(
  offers: readonly Offer[],
  preferences: Preferences,
  { leases, payers, health, featuresOf }: OwnFundingParts,
): Promise<Plan> {
  const attempts: Attempt[] = []
  let refusal: GatewayError | undefined
  for (const offer of offers) {
    try {
      const payer = await payers.check(offer.signed)
      // Read after the wait: a lease may have ended meanwhile.
      attempts.push(attemptOf(offer, payer, leases))
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      refusal ??= error
    }
  }
  if (attempts.length === 0 && refusal !== undefined) throw refusal
  const [wallet, ...others] = new Set(attempts.map((attempt) => attempt.wallet))
  if (wallet === undefined || others.length > 0) {
    throw new GatewayError('authorization_invalid', 'authorisations: of more than one wallet')
  }
  const allowed = await allowedBy(attempts, preferences, featuresOf)
  const ordered = inOrder(allowed, preferences, health, (all) => all)
  const kept = withinFallbacks(ordered, preferences)
  return {
    payer: wallet,
    proposals: kept.map((attempt) => ({ ...attempt, authorise: async () => attempt })),
  }
}

function attemptOf(offer: Offer, payer: Payer, leases: Pick<Leases, 'byBinding'>): Attempt {
  const { channel, terms } = payer
  const [lease] = leased([offer], leases).map(({ signed }) =>
    leases.byBinding(signed.auth.bindingId),
  )
  if (lease === undefined || channel.agentId !== lease.agentId) {
    throw new GatewayError(
      'channel_unusable',
      `channel: expected one with agent ${lease?.agentId ?? 'none'}, got ${channel.agentId}`,
    )
  }
  const model = lease.models.get(terms.modelId)
  if (model === undefined) {
    throw new GatewayError('channel_unusable', 'channel: for a model that the node does not prove')
  }
  const { serviceId, user: wallet } = channel
  return { offer, wallet, lease, serviceId, modelId: terms.modelId, model, price: terms.price }
}
