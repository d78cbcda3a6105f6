import {
  BINDING_STATUSES,
  CHANNEL_MODES,
  CHANNEL_STATES,
  computeRegistryAbi,
  inferenceServingAbi,
  ledgerManagerAbi,
  lowercase,
  memberAt,
  peersAbi,
  requireWiring,
  type Deployment,
} from '@jeju/contracts'
import { toHex, type Hex } from '@jeju/verifier/protocol'
import {
  createPublicClient,
  createWalletClient,
  defineChain,
  fallback,
  type TransactionReceipt,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { chainFailure } from './chain-failure.ts'
import { createLastGrant } from './last-grant.ts'
import { ChainError, type Block, type Channel, type NodeChain } from './node-chain.ts'
import { rpcTransport, type Rpcs } from './rpc-endpoints.ts'
import type { Turns } from './turns.ts'
import { createVerification, type CollateralSource } from './verification.ts'

const MINED_TIMEOUT_MS = 120_000

/**
 * The chain through viem; the only file that knows it. Transactions are signed by the node's own key, one after the
 * other, so that two never take one account nonce.
 * @param collateral where Intel's collateral comes from; asked for what chain and archive lack
 */
export function connectChain(
  { urls, fetch }: Rpcs,
  deployment: Deployment,
  signerKey: Uint8Array,
  inTurn: Turns,
  collateral: CollateralSource,
): NodeChain {
  const chain = defineChain({
    id: deployment.chainId,
    name: 'chain',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: urls } },
  })
  const transport = fallback(
    urls.map((url) => rpcTransport(url, fetch, { retryCount: 2, timeout: 10_000 })),
  )
  // With CCIP, an RPC that lies would choose whom this process asks next.
  const reader = createPublicClient({ chain, transport, pollingInterval: 500, ccipRead: false })
  const account = privateKeyToAccount(toHex(signerKey))
  const writer = createWalletClient({ chain, transport, account })
  const registry = { address: deployment.computeRegistry, abi: computeRegistryAbi } as const
  const ledger = { address: deployment.ledgerManager, abi: ledgerManagerAbi } as const
  const serving = { address: deployment.inferenceServing, abi: inferenceServingAbi } as const
  const mined = async (hash: Hex): Promise<TransactionReceipt> => {
    const receipt = await reader.waitForTransactionReceipt({ hash, timeout: MINED_TIMEOUT_MS })
    if (receipt.status !== 'success') {
      throw new ChainError('CHAIN_REFUSED', `transaction ${hash} reverted`)
    }
    return receipt
  }

  const { tdx, computeRegistry } = deployment
  const lastGrant = createLastGrant(reader, computeRegistry)
  const isJudged = async (binding: {
    readonly agentId: bigint
    readonly verifierIndex: number
    readonly endpointVersion: number
  }): Promise<boolean> => {
    // Never granted, it is of no version, and of agent 0, who need not be registered either.
    if (tdx === undefined || binding.endpointVersion === 0) return false
    if (binding.verifierIndex !== tdx.verifierIndex) return false
    const call = { ...registry, functionName: 'providerOf', args: [binding.agentId] } as const
    return (await reader.readContract(call)).endpointVersion === binding.endpointVersion
  }
  const send = ({ to, data, gas }: { to: Hex; data: Hex; gas: bigint }) =>
    inTurn(async () => mined(await writer.sendTransaction({ to, data, gas })))
  const verification =
    tdx && createVerification({ reader, tdx, computeRegistry, account, send, collateral })

  return {
    verification: verification && {
      verifierIndex: verification.verifierIndex,
      bringCollateral: (quote, caching) => ask(() => verification.bringCollateral(quote, caching)),
      collateralOf: (evidence) => ask(() => verification.collateralOf(evidence)),
      evidenceOf: (quote, digest) => ask(() => verification.evidenceOf(quote, digest)),
      attest: (call) => ask(() => verification.attest(call)),
      renew: (call) => ask(() => verification.renew(call)),
      deviceClaim: (bindingId) => ask(() => verification.deviceClaim(bindingId)),
      heldUntil: (bindingId, devices) => ask(() => verification.heldUntil(bindingId, devices)),
      claimDevices: (statement, devices) =>
        ask(() => verification.claimDevices(statement, devices)),
    },
    checkContracts: () =>
      ask(() =>
        requireWiring(deployment, (address, functionName) =>
          reader.readContract({ address, abi: peersAbi, functionName }),
        ),
      ),
    recentBlock: () =>
      ask(async (): Promise<Block> => {
        const { number, parentHash, timestamp } = await reader.getBlock()
        return { number: number - 1n, hash: parentHash, timestamp }
      }),
    provider: (agentId) =>
      ask(async () => {
        const call = { ...registry, functionName: 'providerOf', args: [agentId] } as const
        const { owner, registeredAt, endpoint } = await reader.readContract(call)
        return registeredAt === 0n ? undefined : { owner: lowercase(owner), endpoint }
      }),
    service: (agentId, serviceId) =>
      ask(() => {
        const args = [agentId, serviceId] as const
        return reader.readContract({ ...registry, functionName: 'serviceOf', args })
      }),
    price: (agentId, serviceId, version) =>
      ask(() => {
        const args = [agentId, serviceId, version] as const
        return reader.readContract({ ...registry, functionName: 'priceOf', args })
      }),
    currentPriceVersion: (agentId, serviceId) =>
      ask(() => {
        const args = [agentId, serviceId] as const
        return reader.readContract({ ...registry, functionName: 'currentPriceVersion', args })
      }),
    channel: (channelId) =>
      ask(async (): Promise<Channel> => {
        const call = { ...ledger, functionName: 'channelOf', args: [channelId] } as const
        const { state, mode, sessionKey, ...channel } = await reader.readContract(call)
        return {
          ...channel,
          state: memberAt(CHANNEL_STATES, state) ?? 'none',
          mode: memberAt(CHANNEL_MODES, mode) ?? 'voucher',
          sessionKey: lowercase(sessionKey),
        }
      }),
    isNonceUsed: (channelId, bindingId, nonce) =>
      ask(() => {
        const args = [channelId, bindingId, nonce] as const
        return reader.readContract({ ...serving, functionName: 'isNonceUsed', args })
      }),
    isBindingApproved: (agentId, bindingId) =>
      ask(() => {
        const args = [agentId, bindingId] as const
        return reader.readContract({ ...registry, functionName: 'isBindingApproved', args })
      }),
    binding: (bindingId) =>
      ask(async () => {
        const call = { ...registry, functionName: 'bindingOf', args: [bindingId] } as const
        const [valid, binding] = await reader.readContract(call)
        const { validUntil, revoked, blockNumber } = binding
        const [judged, evidence] = await Promise.all([
          isJudged(binding),
          lastGrant(bindingId, binding),
        ])
        return { valid, validUntil, revoked, judged, blockNumber, evidence }
      }),
    bindingStatus: (bindingId) =>
      ask(async () => {
        const call = { ...registry, functionName: 'statusOf', args: [bindingId] } as const
        const [status] = await reader.readContract(call)
        return memberAt(BINDING_STATUSES, status) ?? 'unknown'
      }),
    bindingValidity: () =>
      ask(() => reader.readContract({ ...registry, functionName: 'bindingValidity' })),
    bindSigner: (call) =>
      ask(async () => {
        const { statement, evidenceHash, blockNumber, validUntil, deadline, signerSig } = call
        const args = [
          statement,
          evidenceHash,
          blockNumber,
          validUntil,
          deadline,
          signerSig,
        ] as const
        const bind = { ...registry, functionName: 'bindSigner', args, account } as const
        const { request } = await reader.simulateContract(bind)
        await inTurn(async () => mined(await writer.writeContract(request)))
      }),
  }
}

async function ask<Answer>(make: () => Promise<Answer>): Promise<Answer> {
  try {
    return await make()
  } catch (cause) {
    throw chainFailure(cause)
  }
}
