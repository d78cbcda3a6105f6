import {
  createPublicClient,
  getAbiItem,
  isAddressEqual,
  parseAbi,
  parseEventLogs,
  type Log,
} from 'viem'
import type { FindSettlement, Moved } from '../x402/facilitator.ts'
import { believedTransport, rpcServices } from './rpc-services.ts'

/** Blocks that are looked through: a payment is settled minutes after it was signed. */
const LOOK_BACK = 2_000n

const TOKEN = parseAbi([
  'event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce)',
  'event Transfer(address indexed from, address indexed to, uint256 value)',
])

/**
 * Finds the transaction in which a token moved a payment (EIP-3009). That a nonce is used says too little
 * (`authorizationState`): the payer may have cancelled it, or used it to pay itself. What counts is the transfer that
 * follows its use at once, of this amount, to this payee.
 */
export function connectSettlements(rpcUrls: readonly string[], chainId: number): FindSettlement {
  const client = createPublicClient({
    transport: believedTransport(rpcServices(rpcUrls), chainId),
    cacheTime: 0,
    ccipRead: false,
  })
  return async (moved) => {
    const head = await client.getBlockNumber()
    const uses = await client.getLogs({
      address: moved.asset,
      event: getAbiItem({ abi: TOKEN, name: 'AuthorizationUsed' }),
      args: { authorizer: moved.from, nonce: moved.nonce },
      fromBlock: head > LOOK_BACK ? head - LOOK_BACK : 0n,
      toBlock: head,
      strict: true,
    })
    for (const { transactionHash: hash, logIndex } of uses) {
      const { status, logs } = await client.getTransactionReceipt({ hash })
      const next = logs.find((log) => log.logIndex === logIndex + 1)
      if (status === 'success' && next !== undefined && isOf(next, moved)) return hash
    }
    return undefined
  }
}

/** Whether a log is the token's word that it moved exactly this. */
function isOf(log: Log, { asset, from, to, amount }: Moved): boolean {
  if (!isAddressEqual(log.address, asset)) return false
  const [transfer] = parseEventLogs({
    abi: TOKEN,
    eventName: 'Transfer',
    logs: [log],
    strict: true,
  })
  if (transfer === undefined) return false
  const { args } = transfer
  return isAddressEqual(args.from, from) && isAddressEqual(args.to, to) && args.value === amount
}
