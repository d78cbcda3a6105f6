import {
  computeRegistryAbi,
  deviceRecordOf,
  lowercase,
  type Deployment,
  type DeviceRecord,
} from '@jeju/contracts'
import type { Hex, TokenPrice } from '@jeju/verifier/protocol'
import type { ChainClient } from './viem-client.ts'

/** A provider as the registry records it. */
export interface ProviderRecord {
  /** Registered, switched on, owner unchanged, bond in place (`isActive`). */
  readonly active: boolean
  /** Lower case. */
  readonly owner: Hex
}

/** A service of a provider. */
export interface ServiceRecord {
  readonly serviceId: number
  readonly modelId: Hex
  readonly modelName: string
  readonly active: boolean
}

/** An immutable price version, wei per million tokens. */
export interface PriceRecord extends TokenPrice {
  readonly version: number
  readonly maxOutputTokens: number
}

/** A binding as the registry records it. Its tier replaces no verification (attack R17): it can only object to GPUs. */
export interface BindingRecord extends DeviceRecord {
  /** Attested, not expired, not revoked, endpoint and owner unchanged, provider active. */
  readonly valid: boolean
  readonly agentId: bigint
  /** Lower case. */
  readonly signer: Hex
}

/** What the verified fetch reads from the chain, with the caller's own RPC. */
export interface ChainReader {
  /** Of an unknown agent: not active, no owner. */
  provider(agentId: bigint): Promise<ProviderRecord>
  services(agentId: bigint): Promise<readonly ServiceRecord[]>
  /** The price at which a channel can be opened now. */
  currentPrice(agentId: bigint, serviceId: number): Promise<PriceRecord>
  /** Of an unknown binding: not valid. */
  binding(bindingId: Hex): Promise<BindingRecord>
}

/** A provider with more services than this is not searched further. */
const MAX_SERVICES = 32

/** Reads ComputeRegistry. Calls made together share one RPC request where the wallet's transport batches. */
export function createChainReader(client: ChainClient, deployment: Deployment): ChainReader {
  const registry = { address: deployment.computeRegistry, abi: computeRegistryAbi } as const
  return {
    provider: async (agentId) => {
      const [active, { owner }] = await Promise.all([
        client.read({ ...registry, functionName: 'isActive', args: [agentId] }),
        client.read({ ...registry, functionName: 'providerOf', args: [agentId] }),
      ])
      return { active, owner: lowercase(owner) }
    },
    services: async (agentId) => {
      const count = await client.read({
        ...registry,
        functionName: 'serviceCount',
        args: [agentId],
      })
      return Promise.all(
        Array.from({ length: Math.min(count, MAX_SERVICES) }, async (_, serviceId) => {
          const args = [agentId, serviceId] as const
          return {
            serviceId,
            ...(await client.read({ ...registry, functionName: 'serviceOf', args })),
          }
        }),
      )
    },
    currentPrice: async (agentId, serviceId) => {
      const service = [agentId, serviceId] as const
      const version = await client.read({
        ...registry,
        functionName: 'currentPriceVersion',
        args: service,
      })
      const args = [...service, version] as const
      return { version, ...(await client.read({ ...registry, functionName: 'priceOf', args })) }
    },
    binding: async (bindingId) => {
      const [valid, binding] = await client.read({
        ...registry,
        functionName: 'bindingOf',
        args: [bindingId],
      })
      const { agentId, signer } = binding
      return { valid, agentId, signer: lowercase(signer), ...deviceRecordOf(binding) }
    },
  }
}

/** Longest page of the registry that one call asks for. */
const PAGE = 100n

/** Ids of the registered agents in order of registration, at most `max`. */
export async function listAgents(
  client: Pick<ChainClient, 'read'>,
  deployment: Deployment,
  max: number,
): Promise<readonly bigint[]> {
  const found: bigint[] = []
  let cursor = 0n
  do {
    const [ids, next] = await client.read({
      address: deployment.computeRegistry,
      abi: computeRegistryAbi,
      functionName: 'listProviders',
      args: [cursor, PAGE],
    })
    found.push(...ids)
    cursor = next
  } while (cursor !== 0n && found.length < max)
  return found.slice(0, max)
}
