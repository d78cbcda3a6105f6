import type { Hex } from '@jeju/verifier/protocol'
import type { ChainReader, PriceRecord } from '../chain/chain-reader.ts'
import type { ProviderHint } from '../gateway/provider-hints.ts'

/** A provider that offers a model, as the chain says. */
export interface Candidate {
  readonly agentId: bigint
  /** Owner of the agent; the operator its evidence must name. */
  readonly operator: Hex
  readonly serviceId: number
  readonly model: string
  readonly modelId: Hex
  readonly price: PriceRecord
  /** The gateway's word: whether it would pass a prompt on. It decides who is tried first, nothing else. */
  readonly admitted: boolean
}

/**
 * The active providers of a model among the hinted agents. Everything about them is read on chain. Those the gateway
 * would serve come first, so that no channel is opened for nothing; then the cheapest.
 */
export async function findCandidates(
  model: string,
  hints: readonly ProviderHint[],
  chain: ChainReader,
): Promise<readonly Candidate[]> {
  const offers = await Promise.all(hints.map((hint) => offersOf(hint, model, chain)))
  return offers.flat().toSorted(byAdmissionThenCost)
}

async function offersOf(
  { agentId, admitted }: ProviderHint,
  model: string,
  chain: ChainReader,
): Promise<readonly Candidate[]> {
  const { active, owner } = await chain.provider(agentId)
  if (!active) return []
  const services = await chain.services(agentId)
  return Promise.all(
    services
      .filter((service) => service.active && service.modelName === model)
      .map(async ({ serviceId, modelId }) => ({
        agentId,
        admitted,
        operator: owner,
        serviceId,
        model,
        modelId,
        price: await chain.currentPrice(agentId, serviceId),
      })),
  )
}

function byAdmissionThenCost(a: Candidate, b: Candidate): number {
  if (a.admitted !== b.admitted) return a.admitted ? -1 : 1
  return byCost(a, b)
}

/** The cheapest first. */
export function byCost(a: Candidate, b: Candidate): number {
  return Number(cost(a.price) > cost(b.price)) - Number(cost(a.price) < cost(b.price))
}

/** An answer costs about as many tokens as its question. */
function cost(price: PriceRecord): bigint {
  return price.inPerMTok + price.outPerMTok
}
