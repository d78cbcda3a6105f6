import {
  computeRegistryAbi,
  inferenceServingAbi,
  ledgerManagerAbi,
  type Deployment,
} from '@jeju/contracts'
import { toHex, type Hex } from '@jeju/verifier/protocol'
import {
  BaseError,
  createPublicClient,
  createWalletClient,
  defineChain,
  http,
  parseEventLogs,
  type PublicClient,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import {
  ChainError,
  type Channel,
  type NodeChain,
  type Settlement,
  type SettlementItem,
} from './node-chain.ts'

const CHANNEL_STATES = ['none', 'open', 'closing', 'closed'] as const

/** InferenceServing.Status in order, and whether asking again could change it. */
const STATUSES = [
  { status: 'paid', final: true },
  { status: 'underfunded', final: false },
  { status: 'already_used', final: true },
  { status: 'bad_auth', final: true },
  { status: 'bad_receipt', final: true },
  { status: 'bad_binding', final: true },
  { status: 'expired', final: true },
  { status: 'channel_closed', final: true },
  { status: 'over_cap', final: true },
  { status: 'nothing_due', final: true },
] as const

/** The chain through viem; the only file that knows it. Transactions are signed by the node's own key. */
export function connectChain(
  rpcUrl: string,
  deployment: Deployment,
  signerKey: Uint8Array,
): NodeChain {
  const chain = defineChain({
    id: deployment.chainId,
    name: 'chain',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [rpcUrl] } },
  })
  const transport = http(rpcUrl, { retryCount: 2, timeout: 10_000 })
  const reader = createPublicClient({ chain, transport, pollingInterval: 500 })
  const account = privateKeyToAccount(toHex(signerKey))
  const writer = createWalletClient({ chain, transport, account })
  const registry = { address: deployment.computeRegistry, abi: computeRegistryAbi } as const
  const ledger = { address: deployment.ledgerManager, abi: ledgerManagerAbi } as const
  const serving = { address: deployment.inferenceServing, abi: inferenceServingAbi } as const

  return {
    recentBlock: () =>
      ask(async () => {
        const { number, parentHash, timestamp } = await reader.getBlock()
        return { number: number - 1n, hash: parentHash, timestamp }
      }),
    ownerOf: (agentId) =>
      ask(async () => {
        const call = { ...registry, functionName: 'providerOf', args: [agentId] } as const
        const { owner, registeredAt } = await reader.readContract(call)
        return registeredAt === 0n ? undefined : lowercase(owner)
      }),
    service: (agentId, serviceId) =>
      ask(async () => {
        const args = [agentId, serviceId] as const
        const service = await reader.readContract({ ...registry, functionName: 'serviceOf', args })
        return { modelId: service.modelId, modelName: service.modelName }
      }),
    price: (agentId, serviceId, version) =>
      ask(() => {
        const args = [agentId, serviceId, version] as const
        return reader.readContract({ ...registry, functionName: 'priceOf', args })
      }),
    channel: (channelId) =>
      ask(async (): Promise<Channel> => {
        const call = { ...ledger, functionName: 'channelOf', args: [channelId] } as const
        const channel = await reader.readContract(call)
        return {
          agentId: channel.agentId,
          serviceId: channel.serviceId,
          priceVersion: channel.priceVersion,
          state: CHANNEL_STATES[channel.state] ?? 'none',
          locked: channel.locked,
          spent: channel.spent,
          closeAt: channel.closeAt,
          sessionKey: lowercase(channel.sessionKey),
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
        return { valid, validUntil: binding.validUntil, revoked: binding.revokedAt !== 0n }
      }),
    attest: (call) =>
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
        const { request } = await reader.simulateContract({
          ...registry,
          functionName: 'attest',
          args,
          account,
        })
        await mined(reader, await writer.writeContract(request))
      }),
    settle: (items) =>
      ask(async () => {
        const [codes, fees] = await reader.readContract({
          ...serving,
          functionName: 'preview',
          args: [items],
        })
        const outcomes = codes.map((code, index) => ({
          ...(STATUSES[code] ?? { status: `status ${code}`, final: false }),
          fee: fees[index] ?? 0n,
        }))
        const payable = items.filter((_, index) => outcomes[index]?.status === 'paid')
        if (payable.length === 0) return outcomes
        const { request } = await reader.simulateContract({
          ...serving,
          functionName: 'settle',
          args: [payable],
          account,
        })
        const { logs } = await mined(reader, await writer.writeContract(request))
        const settled = parseEventLogs({ abi: inferenceServingAbi, eventName: 'Settled', logs })
        const paid = new Map(settled.map(({ args }) => [args.authHash, args.fee]))
        return outcomes.map((outcome, index) => afterMining(outcome, items[index], paid))
      }),
  }
}

/** Between preview and block another settlement may have come first: only what the block says counts as paid. */
function afterMining(
  outcome: Settlement,
  item: SettlementItem | undefined,
  paid: ReadonlyMap<Hex, bigint>,
): Settlement {
  if (outcome.status !== 'paid' || item === undefined) return outcome
  const fee = paid.get(item.receipt.authHash)
  return fee === undefined
    ? { status: 'not_in_block', final: false, fee: 0n }
    : { status: 'paid', final: true, fee }
}

async function mined(
  reader: PublicClient,
  hash: Hex,
): Promise<Awaited<ReturnType<PublicClient['waitForTransactionReceipt']>>> {
  const receipt = await reader.waitForTransactionReceipt({ hash, timeout: 120_000 })
  if (receipt.status !== 'success') throw new ChainError(`transaction ${hash} reverted`)
  return receipt
}

async function ask<Answer>(make: () => Promise<Answer>): Promise<Answer> {
  try {
    return await make()
  } catch (cause) {
    if (cause instanceof ChainError) throw cause
    // viem's full message repeats the call's arguments.
    const text = cause instanceof BaseError ? reason(cause) : 'unexpected error'
    throw new ChainError(text)
  }
}

function reason(error: BaseError): string {
  const named = error.walk((inner) => inner instanceof Error && 'data' in inner)
  const name =
    named !== null && 'data' in named && typeof named.data === 'object' && named.data !== null
      ? Reflect.get(named.data, 'errorName')
      : undefined
  return typeof name === 'string' ? `refused: ${name}` : error.shortMessage.slice(0, 200)
}

function lowercase(address: Hex): Hex {
  return `0x${address.slice(2).toLowerCase()}`
}
