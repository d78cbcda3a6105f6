import {
  CHANNEL_MODES,
  CHANNEL_STATES,
  computeRegistryAbi,
  type Deployment,
  DeploymentError,
  identityRegistryAbi,
  ledgerManagerAbi,
  lowercase,
  memberAt,
  parseRegistrationFile,
  peersAbi,
  requireWiring,
} from '@jeju/contracts'
import { createPublicClient, defineChain, type ClientConfig, type Transport } from 'viem'
import type { ChannelState, GatewayChain } from './gateway-chain.ts'
import { readMany } from './read-many.ts'
import { registryReads } from './registry-reads.ts'
import { believedTransport, rpcServices } from './rpc-services.ts'

/** Anvil's and Hardhat's. */
const DEVELOPMENT_CHAIN_ID = 31_337
/** Many blocks of any chain that is deployed to, and what clocks may differ by. */
const MAX_BLOCK_AGE_S = 120
/**
 * Calldata of the reads that share one `eth_call`, in bytes. The answer comes as the code of a contract that is created
 * for the call, of 24,576 bytes at most (EIP-170): 28 reads of 640 bytes each, which is a provider with the longest
 * endpoint, fit in.
 */
const CALLDATA_OF_ONE_CALL = 1_024

/** The chain through viem, asked at the first service that answers. */
export function connectChain(rpcUrls: readonly string[], deployment: Deployment): GatewayChain {
  const clientFor = (transport: Transport, batch: ClientConfig['batch'] = {}) =>
    createPublicClient({
      chain: defineChain({
        id: deployment.chainId,
        name: 'chain',
        nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
        rpcUrls: { default: { http: [...rpcUrls] } },
      }),
      transport,
      batch,
      cacheTime: 0,
      // With CCIP, a service that lies would choose whom this process asks next (attack F5).
      ccipRead: false,
    })
  const services = rpcServices(rpcUrls)
  const transport = believedTransport(services, deployment.chainId)
  const client = clientFor(transport)
  // Without a contract that has to be on the chain: the code that makes the reads is in the call.
  const multicall = { deployless: true, batchSize: CALLDATA_OF_ONE_CALL }
  const together = registryReads(clientFor(transport, { multicall }), deployment)
  const alone = registryReads(client, deployment)
  const registry = { address: deployment.computeRegistry, abi: computeRegistryAbi } as const
  const ledger = { address: deployment.ledgerManager, abi: ledgerManagerAbi } as const

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
    readProviders: (agentIds) =>
      readMany(agentIds, { together: together.provider, alone: alone.provider }),
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
    binding: alone.binding,
    readBindings: (bindingIds) =>
      readMany(bindingIds, { together: together.binding, alone: alone.binding }),
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
