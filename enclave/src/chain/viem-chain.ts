import {
  computeRegistryAbi,
  DeploymentError,
  inferenceServingAbi,
  ledgerManagerAbi,
  lowercase,
  peersAbi,
  requireWiring,
  type Deployment,
} from '@jeju/contracts'
import { DcapError } from '@jeju/contracts/dcap'
import { toHex, type Hex } from '@jeju/verifier/protocol'
import {
  BaseError,
  ContractFunctionRevertedError,
  createPublicClient,
  createWalletClient,
  defineChain,
  http,
  parseEventLogs,
  parseSignature,
  signatureToCompactSignature,
  type TransactionReceipt,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import {
  BINDING_STATUSES,
  ChainError,
  SETTLEMENT_STATUSES,
  type Block,
  type Channel,
  type NodeChain,
  type SettlementItem,
} from './node-chain.ts'
import { createVerification, type CollateralSource } from './verification.ts'

const CHANNEL_STATES = ['none', 'open', 'closing', 'closed'] as const
const RECEIPT_MODE = 0
const MINED_TIMEOUT_MS = 120_000

/**
 * The chain through viem; the only file that knows it. Transactions are signed by the node's own key, one after the
 * other, so that two never take one account nonce.
 * @param collateral where Intel's collateral comes from; asked only for what the chain lacks
 */
export function connectChain(
  rpcUrl: string,
  deployment: Deployment,
  signerKey: Uint8Array,
  collateral: CollateralSource,
): NodeChain {
  const chain = defineChain({
    id: deployment.chainId,
    name: 'chain',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [rpcUrl] } },
  })
  // Reads that start together travel in one request.
  const transport = http(rpcUrl, { batch: true, retryCount: 2, timeout: 10_000 })
  const reader = createPublicClient({ chain, transport, pollingInterval: 500 })
  const account = privateKeyToAccount(toHex(signerKey))
  const writer = createWalletClient({ chain, transport, account })
  const registry = { address: deployment.computeRegistry, abi: computeRegistryAbi } as const
  const ledger = { address: deployment.ledgerManager, abi: ledgerManagerAbi } as const
  const serving = { address: deployment.inferenceServing, abi: inferenceServingAbi } as const

  let lastSent: Promise<unknown> = Promise.resolve()
  const inTurn = <Answer>(send: () => Promise<Answer>): Promise<Answer> => {
    const mine = lastSent.then(send)
    lastSent = mine.catch(() => undefined)
    return mine
  }
  const mined = async (hash: Hex): Promise<TransactionReceipt> => {
    const receipt = await reader.waitForTransactionReceipt({ hash, timeout: MINED_TIMEOUT_MS })
    if (receipt.status !== 'success') {
      throw new ChainError('CHAIN_REFUSED', `transaction ${hash} reverted`)
    }
    return receipt
  }

  const { tdx, computeRegistry } = deployment
  const send = ({ to, data, gas }: { to: Hex; data: Hex; gas: bigint }) =>
    inTurn(async () => mined(await writer.sendTransaction({ to, data, gas })))
  const verification =
    tdx && createVerification({ reader, tdx, computeRegistry, account, send, collateral })

  return {
    verification: verification && {
      verifierIndex: verification.verifierIndex,
      bringCollateral: (quote) => ask(() => verification.bringCollateral(quote)),
      evidenceOf: (quote, digest) => ask(() => verification.evidenceOf(quote, digest)),
      attest: (call) => ask(() => verification.attest(call)),
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
          state: CHANNEL_STATES[state] ?? 'none',
          mode: mode === RECEIPT_MODE ? 'receipt' : 'voucher',
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
        return { valid, validUntil: binding.validUntil, revoked: binding.revoked }
      }),
    bindingStatus: (bindingId) =>
      ask(async () => {
        const call = { ...registry, functionName: 'statusOf', args: [bindingId] } as const
        const [status] = await reader.readContract(call)
        return BINDING_STATUSES[status] ?? 'unknown'
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
    preview: (items) =>
      ask(async () => {
        const call = { ...serving, functionName: 'preview', args: settleArgs(items) } as const
        const [codes] = await reader.readContract({ ...call, blockTag: 'pending' })
        return codes.map((code) => {
          const status = SETTLEMENT_STATUSES[code]
          if (status === undefined) {
            throw new ChainError('CHAIN_UNAVAILABLE', `preview: unknown status ${code}`)
          }
          return status
        })
      }),
    settle: (items) =>
      ask(async () => {
        const args = settleArgs(items)
        const settle = { ...serving, functionName: 'settle', args, account } as const
        const { logs } = await inTurn(async () => {
          // In the newest block's own time a receipt of this second is from the future and takes less gas.
          const gas = await reader.estimateContractGas({ ...settle, blockTag: 'pending' })
          return mined(await writer.writeContract({ ...settle, gas: (gas * 5n) / 4n }))
        })
        const settled = parseEventLogs({ abi: inferenceServingAbi, eventName: 'Settled', logs })
        return new Map(settled.map(({ args }) => [args.authHash, args.fee]))
      }),
  }
}

/**
 * Items as the contract takes them, all of the fee or nothing: the digest of the authorisation is computed there, and
 * signatures are compact (EIP-2098).
 */
function settleArgs(items: readonly SettlementItem[]) {
  const encoded = items.map(({ auth, authSig, receipt, receiptSig }) => {
    const { authHash: _, ...delivery } = receipt
    return { auth, authSig: compact(authSig), delivery, receiptSig: compact(receiptSig) }
  })
  return [encoded, false] as const
}

function compact(signature: Hex): { readonly r: Hex; readonly vs: Hex } {
  const { r, yParityAndS } = signatureToCompactSignature(parseSignature(signature))
  return { r, vs: yParityAndS }
}

async function ask<Answer>(make: () => Promise<Answer>): Promise<Answer> {
  try {
    return await make()
  } catch (cause) {
    if (cause instanceof ChainError || cause instanceof DeploymentError) throw cause
    if (cause instanceof DcapError) {
      const again = cause.code === 'CHAIN_UNAVAILABLE'
      throw new ChainError(again ? 'CHAIN_UNAVAILABLE' : 'CHAIN_REFUSED', cause.message)
    }
    if (!(cause instanceof BaseError)) {
      throw new ChainError('CHAIN_UNAVAILABLE', 'unexpected error')
    }
    const revert = cause.walk((inner) => inner instanceof ContractFunctionRevertedError)
    if (revert instanceof ContractFunctionRevertedError) {
      throw new ChainError('CHAIN_REFUSED', `refused: ${revert.data?.errorName ?? 'no reason'}`)
    }
    // viem's full message repeats the call's arguments and the RPC's address.
    throw new ChainError('CHAIN_UNAVAILABLE', cause.shortMessage.slice(0, 200))
  }
}
