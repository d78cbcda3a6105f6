import { identityRegistryAbi, receiptRootsAbi, type Deployment } from '@jeju/contracts'
import { toHex } from '@jeju/verifier/protocol'
import { createWalletClient, defineChain, fallback, http } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { chainFailure } from './chain-failure.ts'
import type { LogChain } from './log-chain.ts'
import { connectEndpoints } from './rpc-endpoints.ts'
import type { Turns } from './turns.ts'

const TIMEOUT_MS = 10_000

/** ReceiptRoots through viem; sends from the node's signer, in its turn. */
export function connectLogChain(
  rpcUrls: readonly string[],
  deployment: Deployment,
  signerKey: Uint8Array,
  inTurn: Turns,
): LogChain {
  const { chainId, receiptRoots, identityRegistry } = deployment
  const chain = defineChain({
    id: chainId,
    name: 'chain',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: rpcUrls } },
  })
  const endpoints = connectEndpoints(rpcUrls, chain)
  const transport = fallback(
    rpcUrls.map((url) => http(url, { timeout: TIMEOUT_MS, retryCount: 0 })),
  )
  const account = privateKeyToAccount(toHex(signerKey))
  const writer = createWalletClient({ chain, transport, account })
  const roots = { address: receiptRoots, abi: receiptRootsAbi } as const
  return {
    head: endpoints.agreedHead,
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
    anchor: (call) =>
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
        // Refused here, it costs nothing and says why.
        const { request } = await endpoints.first((client) =>
          client.simulateContract({ ...roots, functionName: 'anchor', args, account }),
        )
        try {
          await writer.writeContract(request)
        } catch (cause) {
          throw chainFailure(cause)
        }
      }),
  }
}
