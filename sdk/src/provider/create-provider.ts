import {
  computeRegistryAbi,
  computeStakingAbi,
  identityRegistryAbi,
  inferenceServingAbi,
  ledgerManagerAbi,
  registrationFile,
  type Deployment,
  type RegistrationContent,
  type RegistrationFile,
} from '@jeju/contracts'
import type { Hex, TokenPrice } from '@jeju/verifier/protocol'
import { encodeAbiParameters } from 'viem'
import { placeOf, readRegistration } from '../chain/registration.ts'
import { createChainClient, eventOf, type Wallet } from '../chain/viem-client.ts'
import { publicEndpoint } from './public-endpoint.ts'
import { verifyNode, type NodeTrust, type VerifiedNode } from './verify-node.ts'

/** The price of a service: wei per million tokens, and the longest answer sold. */
export interface ServicePrice extends TokenPrice {
  readonly maxOutputTokens: number
}

/** An operator's calls. Every write resolves once it is in a block; amounts in wei. */
export interface Provider {
  /** Mints an ERC-8004 agent that the wallet owns; its id. */
  mintAgent(agentUri?: string): Promise<bigint>
  setAgentUri(agentId: bigint, agentUri: string): Promise<Hex>
  /** Bonds `amount` for the agent; the bond's id. */
  stake(agentId: bigint, amount: bigint): Promise<Hex>
  /** Lists the agent as provider at this endpoint. */
  register(agentId: bigint, endpoint: string): Promise<Hex>
  /**
   * Makes a registered provider known through ERC-8004, both ways: its registration file names registry and endpoint, and
   * its metadata `computeRegistry` names the registry that lists it. Repeat it after a change of endpoint.
   */
  publish(agentId: bigint, content: RegistrationContent): Promise<void>
  /** The agent's registration file, compared with the registry. Throws `RegistrationFileError`. */
  registrationOf(agentId: bigint): Promise<RegistrationFile>
  /** Offers a model at a price; the service's id. */
  addService(agentId: bigint, modelId: Hex, modelName: string, price: ServicePrice): Promise<number>
  /**
   * Announces the next price of a service, from the earliest moment on that the registry allows and a few minutes later,
   * which is what sending may take. Open channels keep theirs, and one price may be pending.
   */
  setPrice(
    agentId: bigint,
    serviceId: number,
    price: ServicePrice,
  ): Promise<{ readonly version: number; readonly effectiveFrom: Date; readonly hash: Hex }>
  /**
   * Consents to the keys, models and posture of one node, after its evidence has shown that a genuine and allowed TD
   * holds them for this agent and this wallet. It is asked where everybody will ask: at the endpoint that the registry
   * names (attack N15).
   * @param nodeUrl one node of several behind that endpoint, at an address of its own; the endpoint has to show one, too
   * @throws `NotVerified`, `PROVIDER_UNAVAILABLE` or `CONFIG_ENDPOINT`, and then approves nothing
   */
  approveBinding(
    agentId: bigint,
    trust: NodeTrust,
    nodeUrl?: string,
  ): Promise<VerifiedNode & { readonly hash: Hex }>
  revokeBinding(bindingId: Hex): Promise<Hex>
  /** Pays out everything charged for the wallet; what was paid. */
  claim(to?: Hex): Promise<bigint>
  /** Charged and not yet paid out; of the wallet unless said otherwise. */
  claimableOf(payee?: Hex): Promise<bigint>
  /** Writes the agent's newly settled volume to the reputation registry. */
  postFeedback(agentId: bigint): Promise<Hex>
}

/** ERC-8004 metadata under which an agent names the registry that lists it: abi.encode(chainId, registry). */
const METADATA_KEY = 'computeRegistry'
/** What a transaction may take, and what the clock here may be behind the chain's. */
const SENDING_S = 300

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
  const setAgentUri = async (agentId: bigint, uri: string): Promise<Hex> => {
    const args = [agentId, uri] as const
    return (await client.write({ ...identity, functionName: 'setAgentURI', args })).hash
  }
  return {
    mintAgent: async (agentUri = '') => {
      const { logs } = await client.write({
        ...identity,
        functionName: 'register',
        args: [agentUri],
      })
      return eventOf(identityRegistryAbi, 'Registered', identity.address, logs).args.agentId
    },
    setAgentUri,
    stake: async (agentId, value) => {
      const call = { ...staking, functionName: 'stakeAsProvider', args: [agentId], value } as const
      return (await client.write(call)).result
    },
    register: async (agentId, endpoint) => {
      const args = [agentId, endpoint] as const
      return (await client.write({ ...registry, functionName: 'register', args })).hash
    },
    publish: async (agentId, content) => {
      await setAgentUri(
        agentId,
        registrationFile(content, await placeOf(client, deployment, agentId)),
      )
      const where = encodeAbiParameters(
        [{ type: 'uint256' }, { type: 'address' }],
        [BigInt(deployment.chainId), registry.address],
      )
      const read = { ...identity, functionName: 'getMetadata' } as const
      if ((await client.read({ ...read, args: [agentId, METADATA_KEY] })) === where) return
      const args = [agentId, METADATA_KEY, where] as const
      await client.write({ ...identity, functionName: 'setMetadata', args })
    },
    registrationOf: (agentId) => readRegistration(client, deployment, agentId),
    addService: async (agentId, modelId, modelName, price) => {
      const args = [agentId, modelId, modelName, { ...price, effectiveFrom: 0n }] as const
      const { logs } = await client.write({ ...registry, functionName: 'addService', args })
      return eventOf(computeRegistryAbi, 'ServiceAdded', registry.address, logs).args.serviceId
    },
    setPrice: async (agentId, serviceId, price) => {
      const delayS = await client.read({ ...registry, functionName: 'priceDelay' })
      const effectiveFrom = BigInt(Math.floor(Date.now() / 1000) + SENDING_S) + delayS
      const args = [agentId, serviceId, { ...price, effectiveFrom }] as const
      const call = { ...registry, functionName: 'setPrice', args } as const
      const { hash, result: version } = await client.write(call)
      return { version, effectiveFrom: new Date(Number(effectiveFrom) * 1000), hash }
    },
    approveBinding: async (agentId, trust, nodeUrl) => {
      const { endpoint } = await placeOf(client, deployment, agentId)
      const verify = (url: string): Promise<VerifiedNode> =>
        verifyNode({
          nodeUrl: url,
          ...trust,
          registry: { chainId: BigInt(deployment.chainId), verifyingContract: registry.address },
          expected: { agentId, operator: client.account },
          transport,
        })
      const reached = await verify(publicEndpoint(endpoint, deployment.chainId))
      const node = nodeUrl === undefined ? reached : await verify(nodeUrl)
      const args = [node.claims.statement] as const
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
