import {
  createPublicClient,
  createWalletClient,
  http,
  parseAbi,
  parseEther,
  type Account,
  type Address,
  type Chain,
  type Hex,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'

// What somebody writes who has read the protocol and the contracts' interfaces and has nothing of ours: no SDK, no
// registrar of the node, no generated ABI.

const IDENTITY = parseAbi(['function register() returns (uint256 agentId)'])
const STAKING = parseAbi([
  'function stakeAsProvider(uint256 agentId) payable returns (bytes32 bondId)',
])
const STATEMENT =
  'struct NodeStatement { uint256 agentId; address operator; address signer; bytes32 keysetDigest; bytes32 modelCatalogDigest; bytes32 postureDigest; bytes32 gpuDevicesDigest; bytes32 instanceId; }'
const REGISTRY = parseAbi([
  STATEMENT,
  'struct Price { uint128 inPerMTok; uint128 outPerMTok; uint32 maxOutputTokens; uint64 effectiveFrom; }',
  'function register(uint256 agentId, string endpoint)',
  'function updateEndpoint(uint256 agentId, string endpoint)',
  'function addService(uint256 agentId, bytes32 modelId, string modelName, Price price) returns (uint32)',
  'function approveBinding(NodeStatement statement) returns (bytes32)',
  'function bindSigner(NodeStatement statement, bytes32 evidenceHash, uint64 blockNumber, uint64 validUntil, uint256 deadline, bytes signerSig) returns (bytes32)',
])
const ATTESTATION = [
  { name: 'bindingId', type: 'bytes32' },
  { name: 'evidenceHash', type: 'bytes32' },
  { name: 'blockNumber', type: 'uint64' },
  { name: 'validUntil', type: 'uint64' },
  { name: 'deadline', type: 'uint256' },
] as const

/** Addresses that a stranger looks up. */
export interface Contracts {
  readonly identityRegistry: Address
  readonly computeStaking: Address
  readonly computeRegistry: Address
}

/** A node that the stranger runs, by whatever software. */
export interface StrangersNode {
  readonly endpoint: string
  readonly statement: {
    readonly agentId: bigint
    readonly operator: Hex
    readonly signer: Hex
    readonly keysetDigest: Hex
    readonly modelCatalogDigest: Hex
    readonly postureDigest: Hex
    readonly gpuDevicesDigest: Hex
    readonly instanceId: Hex
  }
  readonly bindingId: Hex
  readonly signerKey: Hex
  readonly evidenceHash: Hex
  readonly modelId: Hex
  readonly modelName: string
}

/** A stranger's calls. */
export interface Stranger {
  /** Mints an agent; its id. */
  mint(): Promise<bigint>
  /** Bond, row, service, consent to the node's keys, the keys' own signature. */
  register(agentId: bigint, node: StrangersNode): Promise<void>
  changeEndpoint(agentId: bigint, endpoint: string): Promise<void>
}

export function stranger(
  account: Account,
  chain: Chain,
  rpcUrl: string,
  { identityRegistry, computeStaking, computeRegistry }: Contracts,
): Stranger {
  const transport = http(rpcUrl)
  const reader = createPublicClient({ chain, transport, pollingInterval: 100 })
  const wallet = createWalletClient({ account, chain, transport })
  const registry = { address: computeRegistry, abi: REGISTRY } as const
  const mined = async (hash: Hex): Promise<void> => {
    const { status } = await reader.waitForTransactionReceipt({ hash })
    if (status !== 'success') throw new Error(`reverted: ${hash}`)
  }
  return {
    mint: async () => {
      const { result, request } = await reader.simulateContract({
        account,
        address: identityRegistry,
        abi: IDENTITY,
        functionName: 'register',
      })
      await mined(await wallet.writeContract(request))
      return result
    },
    register: async (agentId, node) => {
      const { endpoint, statement, bindingId, signerKey, evidenceHash, modelId, modelName } = node
      const price = {
        inPerMTok: 5n,
        outPerMTok: 7n,
        maxOutputTokens: 256,
        effectiveFrom: 0n,
      }
      await mined(
        await wallet.writeContract({
          address: computeStaking,
          abi: STAKING,
          functionName: 'stakeAsProvider',
          args: [agentId],
          value: parseEther('0.1'),
        }),
      )
      const row = [agentId, endpoint] as const
      await mined(await wallet.writeContract({ ...registry, functionName: 'register', args: row }))
      const service = [agentId, modelId, modelName, price] as const
      await mined(
        await wallet.writeContract({ ...registry, functionName: 'addService', args: service }),
      )
      await mined(
        await wallet.writeContract({
          ...registry,
          functionName: 'approveBinding',
          args: [statement],
        }),
      )
      const { number: blockNumber, timestamp } = await reader.getBlock()
      const validUntil = timestamp + 3_600n
      const signature = await privateKeyToAccount(signerKey).signTypedData({
        domain: {
          name: 'Jeju Compute Node',
          version: '1',
          chainId: chain.id,
          verifyingContract: computeRegistry,
        },
        types: { Attestation: ATTESTATION },
        primaryType: 'Attestation',
        message: { bindingId, evidenceHash, blockNumber, validUntil, deadline: validUntil },
      })
      await mined(
        await wallet.writeContract({
          ...registry,
          functionName: 'bindSigner',
          args: [statement, evidenceHash, blockNumber, validUntil, validUntil, signature],
        }),
      )
    },
    changeEndpoint: async (agentId, endpoint) => {
      const args = [agentId, endpoint] as const
      await mined(await wallet.writeContract({ ...registry, functionName: 'updateEndpoint', args }))
    },
  }
}
