import { receiptRootsAbi, type Deployment } from '@jeju/contracts'
import type { AnchoredEpoch, ContractDomain, EpochPlace, Hex } from '@jeju/verifier/protocol'
import { createChainClient, type ChainClient, type Wallet } from './viem-client.ts'

/** What ReceiptRoots says of an epoch; undefined where it has none under enough blocks. */
export type AnchoredEpochs = (place: EpochPlace) => Promise<AnchoredEpoch | undefined>

/** Blocks, its own counted, under which an epoch is believed: a block that is taken back would take a kept proof with it. */
export const ROOT_CONFIRMATIONS = 12

/** {@link AnchoredEpochs} over the caller's own RPC; nothing is signed. They throw `CHAIN_…` where it cannot be asked. */
export function readAnchoredEpochs(
  wallet: Wallet,
  deployment: Deployment,
  confirmations: number = ROOT_CONFIRMATIONS,
): AnchoredEpochs {
  const client = createChainClient(wallet, deployment)
  const reader = createRootsReader(client, deployment, confirmations)
  return ({ bindingId, epoch }) => reader.epoch(bindingId, epoch)
}

/** What a client reads of the logs of receipts. */
export interface RootsReader {
  /** The one contract that counts. */
  readonly roots: ContractDomain
  /** How many epochs a binding's log has. */
  epochs(bindingId: Hex): Promise<number>
  /** Undefined where there is none under enough blocks. */
  epoch(bindingId: Hex, epoch: number): Promise<AnchoredEpoch | undefined>
  /** Where its document is archived; empty for nowhere. */
  locator(bindingId: Hex, epoch: number): Promise<string>
}

/** Reads ReceiptRoots of a deployment. */
export function createRootsReader(
  client: Pick<ChainClient, 'read' | 'head'>,
  deployment: Pick<Deployment, 'chainId' | 'receiptRoots'>,
  confirmations: number,
): RootsReader {
  const contract = { address: deployment.receiptRoots, abi: receiptRootsAbi } as const
  const roots = rootsOf(deployment)
  let head = 0n
  const isDeep = async (blockNumber: bigint): Promise<boolean> => {
    const needed = blockNumber + BigInt(confirmations) - 1n
    if (head < needed) head = await client.head()
    return head >= needed
  }
  return {
    roots,
    epochs: async (bindingId) => {
      const args = [bindingId] as const
      return Number((await client.read({ ...contract, functionName: 'logOf', args })).epochs)
    },
    epoch: async (bindingId, epoch) => {
      const args = [bindingId, BigInt(epoch)] as const
      const found = await client.read({ ...contract, functionName: 'epochOf', args })
      if (found.size === 0n || !(await isDeep(found.blockNumber))) return undefined
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
