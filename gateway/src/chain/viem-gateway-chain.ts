import {
  BOND_ROLES,
  CHANNEL_MODES,
  CHANNEL_STATES,
  computeRegistryAbi,
  computeStakingAbi,
  type Deployment,
  DeploymentError,
  deviceRecordOf,
  identityRegistryAbi,
  ledgerManagerAbi,
  lowercase,
  memberAt,
  parseRegistrationFile,
  peersAbi,
  requireWiring,
} from '@jeju/contracts'
import {
  createPublicClient,
  defineChain,
  encodeAbiParameters,
  keccak256,
  parseAbiParameters,
  type Transport,
} from 'viem'
import type { ChannelState, GatewayChain, ProviderState, ServiceOffer } from './gateway-chain.ts'
import { believedTransport, rpcServices } from './rpc-services.ts'

/** Services of one provider that are looked at; each costs its owner nothing to add. */
const MAX_SERVICES = 32
/** Anvil's and Hardhat's. */
const DEVELOPMENT_CHAIN_ID = 31_337
/** Many blocks of any chain that is deployed to, and what clocks may differ by. */
const MAX_BLOCK_AGE_S = 120
const PROVIDER_ROLE = BOND_ROLES.indexOf('PROVIDER')
const BOND_ID = parseAbiParameters('uint8 role, uint256 agentId, address staker')

/** The chain through viem, asked at the first service that answers. */
export function connectChain(rpcUrls: readonly string[], deployment: Deployment): GatewayChain {
  const clientFor = (transport: Transport) =>
    createPublicClient({
      chain: defineChain({
        id: deployment.chainId,
        name: 'chain',
        nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
        rpcUrls: { default: { http: [...rpcUrls] } },
      }),
      transport,
      cacheTime: 0,
      // With CCIP, a service that lies would choose whom this process asks next (attack F5).
      ccipRead: false,
    })
  const services = rpcServices(rpcUrls)
  const client = clientFor(believedTransport(services, deployment.chainId))
  const registry = { address: deployment.computeRegistry, abi: computeRegistryAbi } as const
  const staking = { address: deployment.computeStaking, abi: computeStakingAbi } as const
  const ledger = { address: deployment.ledgerManager, abi: ledgerManagerAbi } as const

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
  /** Said at the start, though such a service is never believed: whoever set it has made a mistake. */
  const requireChain = async (): Promise<void> => {
    const ids = await Promise.all(
      services.map((service) =>
        clientFor(service)
          .getChainId()
          .catch(() => undefined),
      ),
    )
    const other = ids.find((id) => id !== undefined && id !== deployment.chainId)
    if (other === undefined) return
    throw new DeploymentError(`RPC_URL: expected chain ${deployment.chainId}, got ${other}`)
  }

  return {
    checkContracts: async () => {
      await requireChain()
      await requireWiring(deployment, (address, functionName) =>
        client.readContract({ address, abi: peersAbi, functionName }),
      )
    },
    requireRecent: async (at) => {
      if (deployment.chainId === DEVELOPMENT_CHAIN_ID) return
      const { timestamp } = await client.getBlock({ blockTag: 'latest' })
      const ageS = Math.floor(at.getTime() / 1000) - Number(timestamp)
      if (ageS <= MAX_BLOCK_AGE_S) return
      throw new DeploymentError(
        `RPC_URL: expected a block of the last ${MAX_BLOCK_AGE_S} seconds, got one of ${ageS} seconds ago`,
      )
    },
    blockNumber: () => client.getBlockNumber(),
    blockHash: async (blockNumber) => {
      const block = await client.getBlock({ blockNumber }).catch((error: unknown) => {
        if (error instanceof Error && error.name === 'BlockNotFoundError') return undefined
        throw error
      })
      return block?.hash ?? undefined
    },
    agentsTouched: async (fromBlock, toBlock) => {
      const events = await client.getContractEvents({ ...registry, fromBlock, toBlock })
      const ids = events.map((event) => ('agentId' in event.args ? event.args.agentId : undefined))
      return [...new Set(ids.filter((id) => id !== undefined))]
    },
    agentsFrom: async (cursor, limit) => {
      const args = [cursor, BigInt(limit)] as const
      const call = { ...registry, functionName: 'listProviders', args } as const
      const [agents, next] = await client.readContract(call)
      return { agents, next }
    },
    provider: async (agentId): Promise<ProviderState> => {
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
    registration: async (agentId, endpoint) => {
      const { chainId, identityRegistry, computeRegistry } = deployment
      const uri = await client.readContract({
        address: identityRegistry,
        abi: identityRegistryAbi,
        functionName: 'tokenURI',
        args: [agentId],
      })
      const place = { agentId, chainId, identityRegistry, computeRegistry, endpoint }
      const { name, description } = parseRegistrationFile(uri, place)
      return { name, description }
    },
    binding: async (bindingId) => {
      const args = [bindingId] as const
      const call = { ...registry, functionName: 'bindingOf', args } as const
      const [valid, binding] = await client.readContract(call)
      const { agentId, validUntil } = binding
      return { valid, agentId, validUntil, ...deviceRecordOf(binding) }
    },
    channel: async (channelId): Promise<ChannelState> => {
      const args = [channelId] as const
      const channel = await client.readContract({ ...ledger, functionName: 'channelOf', args })
      const { user, agentId, serviceId, priceVersion, mode, state, sessionKey } = channel
      return {
        user: lowercase(user),
        agentId,
        serviceId,
        priceVersion,
        mode: memberAt(CHANNEL_MODES, mode) ?? 'voucher',
        state: memberAt(CHANNEL_STATES, state) ?? 'closed',
        sessionKey: lowercase(sessionKey),
      }
    },
    terms: async (agentId, serviceId, version) => {
      const service = [agentId, serviceId] as const
      const row = [agentId, serviceId, version] as const
      const [{ modelId }, { inPerMTok, outPerMTok, maxOutputTokens }] = await Promise.all([
        client.readContract({ ...registry, functionName: 'serviceOf', args: service }),
        client.readContract({ ...registry, functionName: 'priceOf', args: row }),
      ])
      return { modelId, price: { version, inPerMTok, outPerMTok, maxOutputTokens } }
    },
  }
}
