import type { Hex } from '@jeju/verifier/protocol'
import type { SettlementItem } from '../../../enclave/src/chain/node-chain.ts'
import { createTurns } from '../../../enclave/src/chain/turns.ts'
import { connectChain } from '../../../enclave/src/chain/viem-chain.ts'
import { connectSettlementChain } from '../../../enclave/src/chain/viem-settlement-chain.ts'
import type { Metrics } from '../../../enclave/src/metrics.ts'
import type { Journal } from '../../../enclave/src/payment/journal.ts'
import type { SettlementQueue } from '../../../enclave/src/settlement/settlement-queue.ts'
import type { Store } from '../../../enclave/src/storage/store.ts'
import { openJournalOn } from './journal.ts'
import { feeOfTokens, NO_COLLATERAL, type SettlementNetwork } from './settlement-network.ts'
import { openQueue } from './settlement-queue.ts'
import { temporaryFolder, TestClock, until } from './start-node.ts'

/** A queue of receipts against the deployed contracts. */
export interface QueueOnChain {
  readonly folder: string
  readonly store: Store
  readonly journal: Journal
  readonly queue: SettlementQueue
  readonly metrics: Metrics
  readonly clock: TestClock
  /** One more receipt. */
  owe(tokens?: number): Promise<SettlementItem>
  /** Where each item stands on disk, in order. */
  states(): Promise<readonly unknown[]>
  transactions(): Promise<readonly { readonly hash: Hex; readonly maxFee: bigint }[]>
}

/** Where it stores and whom it asks. */
export interface QueueOnChainOptions {
  /** Of an earlier life; a fresh one when absent. */
  readonly folder?: string
  readonly confirmations?: number
  readonly worth?: number
  /** RPCs that it settles by. */
  readonly urls?: readonly string[]
}

/** Opens one; whoever asked for it closes its store. */
export async function openQueueOnChain(
  network: SettlementNetwork,
  options: QueueOnChainOptions = {},
): Promise<QueueOnChain> {
  const clock = new TestClock()
  const folder = options.folder ?? (await temporaryFolder())
  const { journal, store } = await openJournalOn(folder, clock)
  const { deployment, rpcUrl } = network.chain
  const { signerKey, operator } = network
  const turns = createTurns()
  const own = { urls: [rpcUrl], fetch }
  const { queue, metrics } = await openQueue({
    worth: options.worth ?? 0,
    confirmations: options.confirmations ?? 3,
    chain: connectSettlementChain({
      rpcs: { urls: options.urls ?? own.urls, fetch },
      deployment,
      signerKey,
      operator,
      turns,
      timeoutMs: 3_000,
    }),
    channels: connectChain(own, deployment, signerKey, turns, NO_COLLATERAL),
    journal,
    store,
    now: clock.now,
  })
  const states: QueueOnChain['states'] = async () =>
    (await store.all('SELECT state, status FROM authorisations ORDER BY rowid')).map(
      ({ state, status }) => status ?? state,
    )
  return {
    folder,
    store,
    journal,
    queue: {
      ...queue,
      // Anvil takes a transaction before it mines it: where it does that by itself, a round ends when it has.
      settleNow: async (last) => {
        await queue.settleNow(last)
        if (!(await network.anvil.getAutomine()) || !(await states()).includes('sent')) return
        await until(async () => (await network.anvil.getTxpoolStatus()).pending === 0)
        await queue.settleNow(last)
      },
    },
    metrics,
    clock,
    owe: async (tokens = 1_000_000) => {
      const item = await network.item(tokens)
      await journal.start(item.receipt.authHash, item.auth)
      await journal.finish(item, feeOfTokens(tokens))
      return item
    },
    states,
    transactions: async () =>
      (await store.all('SELECT hash, max_fee_per_gas FROM transactions ORDER BY rowid')).map(
        ({ hash, max_fee_per_gas: maxFee }) => ({
          hash: hash as Hex,
          maxFee: BigInt(String(maxFee)),
        }),
      ),
  }
}
