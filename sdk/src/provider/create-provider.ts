import {
  computeRegistryAbi,
  computeStakingAbi,
  identityRegistryAbi,
  inferenceServingAbi,
  ledgerManagerAbi,
  type Deployment,
} from '@jeju/contracts'
import type { Hex, TokenPrice } from '@jeju/verifier/protocol'
import { createChainClient, eventOf, type Wallet } from '../chain/viem-client.ts'
import { verifyNode, type NodeExpectation, type VerifiedNode } from './verify-node.ts'

/** The price of a service: wei per million tokens, and the longest answer sold. */
export interface ServicePrice extends TokenPrice {
  readonly maxOutputTokens: number
}

/** An operator's calls. Every write resolves once it is in a block; amounts in wei. */
export interface Provider {
  /** Mints an ERC-8004 agent that the wallet owns; its id. */
  mintAgent(agentUri: string): Promise<bigint>
  setAgentUri(agentId: bigint, agentUri: string): Promise<Hex>
  /** Bonds `amount` for the agent; the bond's id. */
  stake(agentId: bigint, amount: bigint): Promise<Hex>
  /** Lists the agent as provider at this endpoint. */
  register(agentId: bigint, endpoint: string): Promise<Hex>
  /** Offers a model at a price; the service's id. */
  addService(agentId: bigint, modelId: Hex, modelName: string, price: ServicePrice): Promise<number>
  /**
   * Consents to the keys, models and posture of one node, after its evidence has shown that a genuine and allowed TD
   * holds them for this agent and this wallet. Throws `NotVerified`, and then approves nothing.
   */
  approveBinding(
    agentId: bigint,
    nodeUrl: string,
    trust: Pick<NodeExpectation, 'trustAnchor' | 'policy' | 'collateral'>,
  ): Promise<VerifiedNode & { readonly hash: Hex }>
  revokeBinding(bindingId: Hex): Promise<Hex>
  /** Pays out everything charged for the wallet; what was paid. */
  claim(to?: Hex): Promise<bigint>
  /** Charged and not yet paid out; of the wallet unless said otherwise. */
  claimableOf(payee?: Hex): Promise<bigint>
  /** Writes the agent's newly settled volume to the reputation registry. */
  postFeedback(agentId: bigint): Promise<Hex>
}

/** An operator's calls with his wallet. Throws `CONFIG_CHAIN` when it is on another chain than the deployment. */
export function createProvider(options: {
  readonly wallet: Wallet
  readonly deployment: Deployment
  /** What reaches the node; the platform's fetch when absent. */
  readonly transport?: typeof fetch
}): Provider {
  const { deployment, transport = fetch } = options
  const client = createChainClient(options.wallet, deployment)
  const identity = { address: deployment.identityRegistry, abi: identityRegistryAbi } as const
  const staking = { address: deployment.computeStaking, abi: computeStakingAbi } as const
  const registry = { address: deployment.computeRegistry, abi: computeRegistryAbi } as const
  const ledger = { address: deployment.ledgerManager, abi: ledgerManagerAbi } as const
  const serving = { address: deployment.inferenceServing, abi: inferenceServingAbi } as const
  return {
    mintAgent: async (agentUri) => {
      const { logs } = await client.write({
        ...identity,
        functionName: 'register',
        args: [agentUri],
      })
      return eventOf(identityRegistryAbi, 'Registered', identity.address, logs).args.agentId
    },
    setAgentUri: async (agentId, uri) => {
      const args = [agentId, uri] as const
      return (await client.write({ ...identity, functionName: 'setAgentURI', args })).hash
    },
    stake: async (agentId, value) => {
      const call = { ...staking, functionName: 'stakeAsProvider', args: [agentId], value } as const
      return (await client.write(call)).result
    },
    register: async (agentId, endpoint) => {
      const args = [agentId, endpoint] as const
      return (await client.write({ ...registry, functionName: 'register', args })).hash
    },
    addService: async (agentId, modelId, modelName, price) => {
      const args = [agentId, modelId, modelName, { ...price, effectiveFrom: 0n }] as const
      const { logs } = await client.write({ ...registry, functionName: 'addService', args })
      return eventOf(computeRegistryAbi, 'ServiceAdded', registry.address, logs).args.serviceId
    },
    approveBinding: async (agentId, nodeUrl, { trustAnchor, policy, collateral }) => {
      const node = await verifyNode({
        nodeUrl,
        trustAnchor,
        policy,
        collateral,
        registry: { chainId: BigInt(deployment.chainId), verifyingContract: registry.address },
        expected: { agentId, operator: client.account },
        transport,
      })
      const args = [agentId, node.claims.bindingId] as const
      const { hash } = await client.write({ ...registry, functionName: 'approveBinding', args })
      return { ...node, hash }
    },
    revokeBinding: async (bindingId) => {
      const args = [bindingId] as const
      return (await client.write({ ...registry, functionName: 'revokeBinding', args })).hash
    },
    claim: async (to = client.account) =>
      (await client.write({ ...ledger, functionName: 'claim', args: [to] })).result,
    claimableOf: (payee = client.account) =>
      client.read({ ...ledger, functionName: 'claimableOf', args: [payee] }),
    postFeedback: async (agentId) => {
      const args = [agentId] as const
      return (await client.write({ ...serving, functionName: 'postFeedback', args })).hash
    },
  }
}
