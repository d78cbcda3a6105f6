import {
  type Deployment,
  inferenceServingAbi,
  ledgerManagerAbi,
  memberAt,
  SETTLEMENT_STATUSES,
} from '@jeju/contracts'
import { toHex, type Hex, type SignedVoucher } from '@jeju/verifier/protocol'
import {
  defineChain,
  encodeFunctionData,
  keccak256,
  parseEventLogs,
  parseSignature,
  size,
  signatureToCompactSignature,
  TransactionReceiptNotFoundError,
  type PublicClient,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { ChainError, type SettlementItem, type SettlementStatus } from './node-chain.ts'
import { dataFeeOf } from './data-fee.ts'
import { connectEndpoints, type Rpcs } from './rpc-endpoints.ts'
import type { Inclusion, Settleable, SettlementChain } from './settlement-chain.ts'
import type { Turns } from './turns.ts'

/** An EIP-1559 transaction around its data, without its signature: numbers, address and lengths, each as long as may be. */
const ENVELOPE_BYTES = 120

/** What {@link connectSettlementChain} needs. */
export interface SettlementChainOptions {
  readonly rpcs: Rpcs
  readonly deployment: Deployment
  /** Of the account that pays the gas. */
  readonly signerKey: Uint8Array
  /** Who is paid. */
  readonly operator: Hex
  readonly turns: Turns
  /** An RPC that has not answered by then has failed, in milliseconds; 8 s unless said otherwise. */
  readonly timeoutMs?: number
}

/** Settlement through viem. Fees go to the payee the channel names, whoever sends. */
export function connectSettlementChain(options: SettlementChainOptions): SettlementChain {
  const { rpcs, deployment, signerKey, operator, turns } = options
  const chain = defineChain({
    id: deployment.chainId,
    name: 'chain',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: rpcs.urls } },
  })
  const endpoints = connectEndpoints(rpcs, chain, options.timeoutMs)
  const account = privateKeyToAccount(toHex(signerKey))
  const { address } = account
  const serving = { address: deployment.inferenceServing, abi: inferenceServingAbi } as const
  const previewOf =
    (items: readonly SettlementItem[], block: { blockTag: 'pending' } | { blockNumber: bigint }) =>
    async (client: PublicClient): Promise<readonly SettlementStatus[]> => {
      const call = { ...serving, functionName: 'preview', args: settleArgs(items) } as const
      const [codes] = await client.readContract({ ...call, ...block })
      return codes.map(statusOf)
    }
  const inclusionOf =
    (hash: Hex) =>
    async (client: PublicClient): Promise<Inclusion | undefined> => {
      const receipt = await client.getTransactionReceipt({ hash }).catch((error: unknown) => {
        if (error instanceof TransactionReceiptNotFoundError) return undefined
        throw error
      })
      if (receipt === undefined) return undefined
      const { blockNumber, blockHash, status } = receipt
      if (status !== 'success') return { blockNumber, blockHash, paid: undefined }
      const logs = receipt.logs.filter(
        (log) => log.address.toLowerCase() === deployment.inferenceServing,
      )
      const abi = inferenceServingAbi
      const settled = parseEventLogs({ abi, eventName: 'Settled', logs })
      const vouchers = parseEventLogs({ abi, eventName: 'VoucherSettled', logs })
      const paid = new Map([
        ...settled.map(({ args }) => [args.authHash, args.fee] as const),
        ...vouchers.map(({ args }) => [args.channelId, args.paid] as const),
      ])
      return { blockNumber, blockHash, paid }
    }
  return {
    agreedHead: () => endpoints.agreedHead(),
    gasFees: () =>
      endpoints.first(async (client) => {
        const { maxFeePerGas, maxPriorityFeePerGas } = await client.estimateFeesPerGas()
        return { maxFeePerGas, maxPriorityFeePerGas }
      }),
    accountNonces: () =>
      endpoints.first(async (client) => {
        const [mined, next] = await Promise.all([
          client.getTransactionCount({ address, blockTag: 'latest' }),
          client.getTransactionCount({ address, blockTag: 'pending' }),
        ])
        return { mined, next }
      }),
    balance: () => endpoints.first((client) => client.getBalance({ address })),
    claimable: () =>
      endpoints.first((client) =>
        client.readContract({
          address: deployment.ledgerManager,
          abi: ledgerManagerAbi,
          functionName: 'claimableOf',
          args: [operator],
        }),
      ),
    preview: (items) => endpoints.first(previewOf(items, { blockTag: 'pending' })),
    agreedPreview: (items, blockNumber) =>
      endpoints.agreed(previewOf(items, { blockNumber }), (statuses) => statuses.join()),
    previewVoucher: (voucher) =>
      endpoints.first((client) =>
        client
          .simulateContract({
            ...serving,
            functionName: 'settleVoucher',
            args: voucherArgs(voucher),
            account: address,
            blockTag: 'pending',
          })
          .then(({ result }) => result),
      ),
    // In the newest block's own time a receipt of this second is from the future and takes less gas.
    estimateGas: (settled) =>
      endpoints.first(async (client) => {
        const call = { ...serving, account: address, blockTag: 'pending' } as const
        const gas =
          'items' in settled
            ? client.estimateContractGas({
                ...call,
                functionName: 'settle',
                args: settleArgs(settled.items),
              })
            : client.estimateContractGas({
                ...call,
                functionName: 'settleVoucher',
                args: voucherArgs(settled.voucher),
              })
        return ((await gas) * 5n) / 4n
      }),
    dataFee: (settled) => {
      const bytes = size(callData(settled)) + ENVELOPE_BYTES
      return endpoints.first((client) => dataFeeOf(client, bytes))
    },
    sign: async (settled, { nonce, gas, maxFeePerGas, maxPriorityFeePerGas }) => {
      const raw = await account.signTransaction({
        type: 'eip1559',
        chainId: chain.id,
        to: deployment.inferenceServing,
        data: callData(settled),
        nonce,
        gas,
        maxFeePerGas,
        maxPriorityFeePerGas,
      })
      return { raw, hash: keccak256(raw) }
    },
    broadcast: (raw) => endpoints.broadcast(raw),
    inclusion: (hash) => endpoints.first(inclusionOf(hash)),
    agreedInclusion: (hash) =>
      endpoints.agreed(inclusionOf(hash), (found) =>
        found === undefined
          ? ''
          : `${found.blockHash} ${[...(found.paid?.entries() ?? [])].join()}`,
      ),
    inTurn: turns,
  }
}

function callData(settled: Settleable): Hex {
  const abi = inferenceServingAbi
  if ('items' in settled) {
    return encodeFunctionData({ abi, functionName: 'settle', args: settleArgs(settled.items) })
  }
  const args = voucherArgs(settled.voucher)
  return encodeFunctionData({ abi, functionName: 'settleVoucher', args })
}

function voucherArgs({ channelId, cumulative, signature }: SignedVoucher) {
  return [{ channelId, cumulative }, compact(signature)] as const
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

function statusOf(code: number): SettlementStatus {
  const status = memberAt(SETTLEMENT_STATUSES, code)
  if (status === undefined) {
    throw new ChainError('CHAIN_UNAVAILABLE', `preview: unknown status ${code}`)
  }
  return status
}
