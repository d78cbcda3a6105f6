import { receiptRootsAbi, type Deployment } from '@jeju/contracts'
import type { AnchoredEpoch, ContractDomain, EpochPlace, Hex } from '@jeju/verifier/protocol'
import { createChainClient, type ChainClient, type Wallet } from './viem-client.ts'

/** What ReceiptRoots says of an epoch; undefined where it has none. */
export type AnchoredEpochs = (place: EpochPlace) => Promise<AnchoredEpoch | undefined>

/** {@link AnchoredEpochs} over the caller's own RPC; nothing is signed. They throw `CHAIN_…` where it cannot be asked. */
export function readAnchoredEpochs(wallet: Wallet, deployment: Deployment): AnchoredEpochs {
  const { epoch: read } = createRootsReader(createChainClient(wallet, deployment), deployment)
  return ({ bindingId, epoch }) => read(bindingId, epoch)
}

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
