import type { Hex } from '@jeju/verifier/protocol'
import type {
  NodeChain,
  SettlementItem,
  SettlementStatus,
} from '../../../enclave/src/chain/node-chain.ts'
import type { SettlementChain } from '../../../enclave/src/chain/settlement-chain.ts'
import { createLogger } from '../../../enclave/src/logging.ts'
import { createMetrics, type Metrics } from '../../../enclave/src/metrics.ts'
import type { Journal } from '../../../enclave/src/payment/journal.ts'
import {
  openSettlementQueue,
  type SettlementQueue,
} from '../../../enclave/src/settlement/settlement-queue.ts'
import type { Store } from '../../../enclave/src/storage/store.ts'
import { authOf, CHANNEL, hashOf, itemOf, openJournalOn } from './journal.ts'
import { TestClock } from './start-node.ts'
import { TestChain } from './test-chain.ts'
import { TestSettlementChain } from './test-settlement-chain.ts'

/** What each receipt of these tests brings, wei. */
export const FEE = 1_000_000n

/** What a queue works on, and how. */
export interface QueueParts {
  readonly chain: SettlementChain
  readonly channels: Pick<NodeChain, 'channel'>
  readonly journal: Journal
  readonly store: Store
  readonly now: () => Date
  readonly worth?: number
  readonly confirmations?: number
  readonly intervalMs?: number
}

/** A queue beside its counters, and the channels whose release was asked for. */
export interface OpenedQueue {
  readonly queue: SettlementQueue
  readonly metrics: Metrics
  readonly held: Hex[]
}

/** Opens a queue that settles whatever it is worth, one block deep, unless said otherwise. */
export async function openQueue(parts: QueueParts): Promise<OpenedQueue> {
  const held: Hex[] = []
  const metrics = createMetrics([], { admitted: () => 0, underWay: () => 0, waiting: () => 0 })
  const queue = await openSettlementQueue({
    worth: 0,
    confirmations: 1,
    intervalMs: 1_000,
    holds: { channels: () => held },
    metrics,
    logger: createLogger('silent'),
    ...parts,
  })
  return { queue, metrics, held }
}

/** A chain that answers each item with the status its nonce stands for. */
export class StatusChain extends TestChain {
  statuses: readonly SettlementStatus[] = []

  override preview(items: readonly SettlementItem[]): Promise<readonly SettlementStatus[]> {
    return Promise.resolve(items.map(({ auth }) => this.statuses[Number(auth.nonce)] ?? 'paid'))
  }

  override settle(items: readonly SettlementItem[]): Promise<ReadonlyMap<Hex, bigint>> {
    this.settlements.push(items)
    return Promise.resolve(new Map(items.map(({ receipt }) => [receipt.authHash, FEE])))
  }
}

/** A queue on a chain in memory, with receipts of one channel. */
export interface QueueSetting {
  readonly chain: StatusChain
  readonly settlement: TestSettlementChain
  readonly journal: Journal
  readonly clock: TestClock
  readonly queue: SettlementQueue
  /** Channels whose release was asked for. */
  readonly held: Hex[]
  /** One more receipt, of a channel; so many wei. */
  owe(nonce: number, channelId: Hex, fee: bigint): Promise<void>
  /** Nonces that wait. */
  waiting(): readonly number[]
}

const stores: Store[] = []

/** Closes every database that was opened here. */
export async function closeQueues(): Promise<void> {
  await Promise.all(stores.splice(0).map((store) => store.close()))
}

/** Opens one with so many receipts, of nonces from 0 on. */
export async function openReceiptQueue(
  count: number,
  options: { readonly worth?: number; readonly confirmations?: number } = {},
): Promise<QueueSetting> {
  const clock = new TestClock()
  const { journal, store } = await openJournalOn(undefined, clock)
  stores.push(store)
  const owe: QueueSetting['owe'] = async (nonce, channelId, fee) => {
    const auth = authOf(BigInt(nonce), { channelId, maxFee: 10n * FEE })
    await journal.start(hashOf(nonce), auth)
    await journal.finish(itemOf(auth), fee)
  }
  for (let nonce = 0; nonce < count; nonce++) await owe(nonce, CHANNEL, FEE)
  const chain = new StatusChain(clock.now)
  const settlement = new TestSettlementChain(chain)
  const { queue, held } = await openQueue({
    chain: settlement,
    channels: chain,
    journal,
    store,
    now: clock.now,
    intervalMs: 20,
    ...options,
  })
  const waiting = (): readonly number[] =>
    journal
      .waiting()
      .map(({ item }) => Number(item.auth.nonce))
      .toSorted((a, b) => a - b)
  return { chain, settlement, journal, clock, queue, waiting, held, owe }
}

/** Nonces of what was settled, ascending. */
export function noncesOf(batches: readonly (readonly SettlementItem[])[]): readonly number[] {
  return batches
    .flat()
    .map(({ auth }) => Number(auth.nonce))
    .toSorted((a, b) => a - b)
}
