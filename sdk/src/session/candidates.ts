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
  /** The gateway's word as well: which of the agent's nodes that is. Its evidence is asked for, and judged. */
  readonly leased?: Hex
}

/** A service that is for sale, as the chain says; its price is another matter. */
export type Offer = Omit<Candidate, 'price'>

/** What the active providers among the hinted agents offer, of any model. Everything about them is read on chain. */
export async function readOffers(
  hints: readonly ProviderHint[],
  chain: ChainReader,
): Promise<readonly Offer[]> {
  return (await Promise.all(hints.map((hint) => offersOf(hint, chain)))).flat()
}

async function offersOf(
  { agentId, ...said }: ProviderHint,
  chain: ChainReader,
): Promise<readonly Offer[]> {
  const { active, owner } = await chain.provider(agentId)
  if (!active) return []
  const services = await chain.services(agentId)
  return services
    .filter((service) => service.active)
    .map(({ serviceId, modelId, modelName }) => ({
      agentId,
      ...said,
      operator: owner,
      serviceId,
      model: modelName,
      modelId,
    }))
}

/**
 * The offers of one model with their prices now. Those the gateway would serve come first, so that no channel is opened
 * for nothing; then the cheapest.
 */
export async function candidatesFor(
  model: string,
  offers: readonly Offer[],
  chain: ChainReader,
): Promise<readonly Candidate[]> {
  const candidates = await Promise.all(
    offers
      .filter((offer) => offer.model === model)
      .map(async (offer) => ({
        ...offer,
        price: await chain.currentPrice(offer.agentId, offer.serviceId),
      })),
  )
  return candidates.toSorted(byAdmissionThenCost)
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
