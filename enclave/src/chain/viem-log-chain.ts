import { identityRegistryAbi, receiptRootsAbi, type Deployment } from '@jeju/contracts'
import { toHex, type Hex } from '@jeju/verifier/protocol'
import {
  defineChain,
  encodeFunctionData,
  keccak256,
  TransactionNotFoundError,
  type PublicClient,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { bumped } from '../settlement/gas-bump.ts'
import type { LogChain } from './log-chain.ts'
import { connectEndpoints, type Rpcs } from './rpc-endpoints.ts'
import type { Turns } from './turns.ts'

/** ReceiptRoots through viem; sends from the node's signer, in its turn. */
export function connectLogChain(
  rpcs: Rpcs,
  deployment: Deployment,
  signerKey: Uint8Array,
  inTurn: Turns,
): LogChain {
  const { chainId, receiptRoots, identityRegistry } = deployment
  const chain = defineChain({
    id: chainId,
    name: 'chain',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: rpcs.urls } },
  })
  const endpoints = connectEndpoints(rpcs, chain)
  const account = privateKeyToAccount(toHex(signerKey))
  const { address } = account
  const roots = { address: receiptRoots, abi: receiptRootsAbi } as const
  return {
    head: () => endpoints.agreedHead(),
    log: (bindingId) =>
      endpoints.agreed(
        async (client) => {
          const call = { ...roots, functionName: 'logOf', args: [bindingId] } as const
          const { epochs, lastRoot } = await client.readContract(call)
          return { epochs: Number(epochs), lastRoot }
        },
        ({ epochs, lastRoot }) => `${epochs} ${lastRoot}`,
      ),
    epoch: (bindingId, epoch) =>
      endpoints.agreed(
        async (client) => {
          const args = [bindingId, BigInt(epoch)] as const
          const found = await client.readContract({ ...roots, functionName: 'epochOf', args })
          if (found.size === 0n) return undefined
          const { root, size, anchoredAt, blockNumber } = found
          return { root, size: Number(size), anchoredAt: Number(anchoredAt), blockNumber }
        },
        (found) => (found === undefined ? '' : `${found.root} ${found.blockNumber}`),
      ),
    agentUri: (agentId) =>
      endpoints.first((client) =>
        client.readContract({
          address: identityRegistry,
          abi: identityRegistryAbi,
          functionName: 'tokenURI',
          args: [agentId],
        }),
      ),
    anchor: (call, before, record) =>
      inTurn(async () => {
        const { bindingId, epoch, previous, root, size, digest, locator } = call
        const args = [
          bindingId,
          BigInt(epoch),
          previous,
          root,
          BigInt(size),
          digest,
          locator,
        ] as const
        const write = { ...roots, functionName: 'anchor', args } as const
        const state = await endpoints.first(async (client) => {
          const [gas, fees, mined, next, isStuck] = await Promise.all([
            // Refused here, it costs nothing and says why.
            client.estimateContractGas({ ...write, account: address }),
            client.estimateFeesPerGas(),
            client.getTransactionCount({ address, blockTag: 'latest' }),
            client.getTransactionCount({ address, blockTag: 'pending' }),
            before !== undefined && isPending(client, before.hash),
          ])
          return { gas: (gas * 5n) / 4n, fees, mined, next, isStuck }
        })
        const { gas, mined, next, isStuck } = state
        if (!isStuck && next > mined) return false
        const replaced = isStuck ? before : undefined
        const { maxFeePerGas, maxPriorityFeePerGas } =
          replaced === undefined ? state.fees : bumped(replaced, state.fees)
        const nonce = replaced?.nonce ?? mined
        const raw = await account.signTransaction({
          type: 'eip1559',
          chainId,
          to: receiptRoots,
          data: encodeFunctionData(write),
          nonce,
          gas,
          maxFeePerGas,
          maxPriorityFeePerGas,
        })
        await record({ hash: keccak256(raw), nonce, maxFeePerGas, maxPriorityFeePerGas })
        await endpoints.broadcast(raw)
        return true
      }),
  }
}

/** Whether an RPC has it, and no block. */
async function isPending(client: PublicClient, hash: Hex): Promise<boolean> {
  try {
    return (await client.getTransaction({ hash })).blockNumber === null
  } catch (error) {
    if (error instanceof TransactionNotFoundError) return false
    throw error
  }
}
