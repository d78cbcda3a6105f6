import type { Hex } from '@jeju/verifier/protocol'
import type { ChainReader, PriceRecord } from '../chain/chain-reader.ts'

/** A provider that offers a model, as the chain says. */
export interface Candidate {
  readonly agentId: bigint
  /** Owner of the agent; the operator its evidence must name. */
  readonly operator: Hex
  readonly serviceId: number
  readonly model: string
  readonly modelId: Hex
  readonly price: PriceRecord
}

/** The active providers of a model among the hinted agents, cheapest first. Everything is read on chain. */
export async function findCandidates(
  model: string,
  hints: readonly bigint[],
  chain: ChainReader,
): Promise<readonly Candidate[]> {
  const offers = await Promise.all(hints.map((agentId) => offersOf(agentId, model, chain)))
  return offers.flat().toSorted((a, b) => compare(cost(a.price), cost(b.price)))
}

async function offersOf(
  agentId: bigint,
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
        operator: owner,
        serviceId,
        model,
        modelId,
        price: await chain.currentPrice(agentId, serviceId),
      })),
  )
}

/** An answer costs about as many tokens as its question. */
function cost(price: PriceRecord): bigint {
  return price.inPerMTok + price.outPerMTok
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}
