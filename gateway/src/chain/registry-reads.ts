import {
  BOND_ROLES,
  computeRegistryAbi,
  computeStakingAbi,
  deviceRecordOf,
  lowercase,
  type Deployment,
} from '@jeju/contracts'
import type { Hex } from '@jeju/verifier/protocol'
import { encodeAbiParameters, keccak256, parseAbiParameters, type PublicClient } from 'viem'
import type { BindingState, ProviderState, ServiceOffer } from './gateway-chain.ts'

/** Services of one provider that are looked at; each costs its owner nothing to add. */
const MAX_SERVICES = 32
const PROVIDER_ROLE = BOND_ROLES.indexOf('PROVIDER')
const BOND_ID = parseAbiParameters('uint8 role, uint256 agentId, address staker')

/** What is read of every provider and every lease at each refresh. */
export interface RegistryReads {
  readonly provider: (agentId: bigint) => Promise<ProviderState>
  readonly binding: (bindingId: Hex) => Promise<BindingState>
}

/** Reads through a client; whether calls share requests is the client's affair. */
export function registryReads(
  client: Pick<PublicClient, 'readContract'>,
  deployment: Deployment,
): RegistryReads {
  const registry = { address: deployment.computeRegistry, abi: computeRegistryAbi } as const
  const staking = { address: deployment.computeStaking, abi: computeStakingAbi } as const

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
    provider: async (agentId) => {
      const args = [agentId] as const
      const [active, provider, count] = await Promise.all([
        client.readContract({ ...registry, functionName: 'isActive', args }),
        client.readContract({ ...registry, functionName: 'providerOf', args }),
        client.readContract({ ...registry, functionName: 'serviceCount', args }),
      ])
      const ids = Array.from({ length: Math.min(count, MAX_SERVICES) }, (_, id) => id)
      const { endpoint, endpointVersion, owner } = provider
      const bondId = keccak256(encodeAbiParameters(BOND_ID, [PROVIDER_ROLE, agentId, owner]))
      const [stake, ...offers] = await Promise.all([
        client.readContract({ ...staking, functionName: 'activeBond', args: [bondId] }),
        ...ids.map((id) => offer(agentId, id)),
      ])
      return {
        agentId,
        active,
        owner: lowercase(owner),
        endpoint,
        endpointVersion,
        stake,
        services: offers.filter((service) => service !== undefined),
      }
    },
    binding: async (bindingId) => {
      const args = [bindingId] as const
      const call = { ...registry, functionName: 'bindingOf', args } as const
      const [valid, binding] = await client.readContract(call)
      const { agentId, validUntil } = binding
      return { valid, agentId, validUntil, ...deviceRecordOf(binding) }
    },
  }
}
