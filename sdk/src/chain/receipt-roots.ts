import { receiptRootsAbi, type Deployment } from '@jeju/contracts'
import type { AnchoredEpoch, ContractDomain, Hex } from '@jeju/verifier/protocol'
import type { ChainClient } from './viem-client.ts'

/** What a client reads of the logs of receipts. */
export interface RootsReader {
  /** The one contract that counts. */
  readonly roots: ContractDomain
  /** How many epochs a binding's log has. */
  epochs(bindingId: Hex): Promise<number>
  /** Undefined where there is none. */
  epoch(bindingId: Hex, epoch: number): Promise<AnchoredEpoch | undefined>
  /** Where its document is archived; empty for nowhere. */
  locator(bindingId: Hex, epoch: number): Promise<string>
}

/** Reads ReceiptRoots of a deployment. */
export function createRootsReader(
  client: Pick<ChainClient, 'read'>,
  deployment: Pick<Deployment, 'chainId' | 'receiptRoots'>,
): RootsReader {
  const contract = { address: deployment.receiptRoots, abi: receiptRootsAbi } as const
  const roots = rootsOf(deployment)
  return {
    roots,
    epochs: async (bindingId) => {
      const args = [bindingId] as const
      return Number((await client.read({ ...contract, functionName: 'logOf', args })).epochs)
    },
    epoch: async (bindingId, epoch) => {
      const args = [bindingId, BigInt(epoch)] as const
      const found = await client.read({ ...contract, functionName: 'epochOf', args })
      if (found.size === 0n) return undefined
      return {
        roots,
        bindingId,
        epoch,
        root: found.root,
        digest: found.digest,
        size: Number(found.size),
        anchoredAt: Number(found.anchoredAt),
      }
    },
    locator: (bindingId, epoch) => {
      const args = [bindingId, BigInt(epoch)] as const
      return client.read({ ...contract, functionName: 'locatorOf', args })
    },
  }
}

/** The ReceiptRoots of a deployment. */
export function rootsOf({
  chainId,
  receiptRoots,
}: Pick<Deployment, 'chainId' | 'receiptRoots'>): ContractDomain {
  return { chainId: BigInt(chainId), verifyingContract: receiptRoots }
}
