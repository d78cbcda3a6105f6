import {
  computeRegistryAbi,
  lowercase,
  peersAbi,
  requireWiring,
  type Deployment,
} from '@jeju/contracts'
import { createPublicClient, defineChain, http } from 'viem'
import type { GatewayChain, ProviderState, ServiceOffer } from './gateway-chain.ts'

/** Services of one provider that are looked at; each costs its owner nothing to add. */
const MAX_SERVICES = 32

/** The chain through viem; the only file that knows it. */
export function connectChain(rpcUrl: string, deployment: Deployment): GatewayChain {
  const client = createPublicClient({
    chain: defineChain({
      id: deployment.chainId,
      name: 'chain',
      nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
      rpcUrls: { default: { http: [rpcUrl] } },
    }),
    transport: http(rpcUrl, { batch: true, retryCount: 2, timeout: 10_000 }),
    cacheTime: 0,
  })
  const registry = { address: deployment.computeRegistry, abi: computeRegistryAbi } as const

  const offer = async (agentId: bigint, serviceId: number): Promise<ServiceOffer | undefined> => {
    const service = [agentId, serviceId] as const
    const [{ modelId, modelName, active }, version] = await Promise.all([
      client.readContract({ ...registry, functionName: 'serviceOf', args: service }),
      client.readContract({ ...registry, functionName: 'currentPriceVersion', args: service }),
    ])
    if (!active) return undefined
    const args = [agentId, serviceId, version] as const
    const price = await client.readContract({ ...registry, functionName: 'priceOf', args })
    const { inPerMTok, outPerMTok, maxOutputTokens } = price
    return {
      serviceId,
      modelId,
      modelName,
      price: { version, inPerMTok, outPerMTok, maxOutputTokens },
    }
  }

  return {
    checkContracts: () =>
      requireWiring(deployment, (address, functionName) =>
        client.readContract({ address, abi: peersAbi, functionName }),
      ),
    blockNumber: () => client.getBlockNumber(),
    agentsTouched: async (fromBlock, toBlock) => {
      const events = await client.getContractEvents({ ...registry, fromBlock, toBlock })
      const ids = events.map((event) => ('agentId' in event.args ? event.args.agentId : undefined))
      return [...new Set(ids.filter((id) => id !== undefined))]
    },
    provider: async (agentId): Promise<ProviderState> => {
      const args = [agentId] as const
      const [active, provider, count] = await Promise.all([
        client.readContract({ ...registry, functionName: 'isActive', args }),
        client.readContract({ ...registry, functionName: 'providerOf', args }),
        client.readContract({ ...registry, functionName: 'serviceCount', args }),
      ])
      const ids = Array.from({ length: Math.min(count, MAX_SERVICES) }, (_, id) => id)
      const offers = await Promise.all(ids.map((id) => offer(agentId, id)))
      const { endpoint, endpointVersion, owner } = provider
      return {
        agentId,
        active,
        owner: lowercase(owner),
        endpoint,
        endpointVersion,
        services: offers.filter((service) => service !== undefined),
      }
    },
    binding: async (bindingId) => {
      const args = [bindingId] as const
      const call = { ...registry, functionName: 'bindingOf', args } as const
      const [valid, { agentId, validUntil }] = await client.readContract(call)
      return { valid, agentId, validUntil }
    },
  }
}
