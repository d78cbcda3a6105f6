import type { Preferences } from '@jeju/verifier/routing'
import type { Leases } from '../admission/leases.ts'
import type { ProviderDirectory } from '../discovery/provider-directory.ts'
import { allowedBy, byWeight, inOrder, type Candidate, type FeaturesOf } from './candidate.ts'
import type { ProviderHealth } from './provider-health.ts'

/** Collaborators of {@link createRouter}. */
export interface RouterParts {
  readonly directory: ProviderDirectory
  readonly leases: Leases
  readonly health: ProviderHealth
  readonly featuresOf: FeaturesOf
}

/**
 * Who can answer for these models, in the order in which they should be asked: models in the order asked for, since a
 * later one is for when nobody has an earlier one.
 * @throws GatewayError as {@link allowedBy}
 */
export type Router = (
  models: readonly string[],
  preferences: Preferences,
) => Promise<readonly Candidate[]>

/** Routes by what is admitted and offered now. */
export function createRouter({ directory, leases, health, featuresOf }: RouterParts): Router {
  /** By the chain's price and the node's own catalogue; one without the other is no offer. */
  const candidatesFor = (model: string): readonly Candidate[] =>
    leases.current().flatMap((lease) =>
      (directory.provider(lease.agentId)?.services ?? []).flatMap(
        ({ modelId, serviceId, price }) => {
          const proven = lease.models.get(modelId)
          return proven?.id === model ? [{ lease, serviceId, modelId, model: proven, price }] : []
        },
      ),
    )
  return async (models, preferences) => {
    const found = models.flatMap((model) => candidatesFor(model))
    const allowed = await allowedBy(found, preferences, featuresOf)
    return models.flatMap((model) => {
      const open = allowed
        .filter((one) => one.model.id === model)
        .filter(({ lease }) => health.isOpenFor(lease.agentId))
      return inOrder(open, preferences, health, byWeight)
    })
  }
}
