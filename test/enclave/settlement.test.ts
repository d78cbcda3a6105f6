import { MAX_SETTLE_BATCH, type Hex } from '@jeju/verifier/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import type { SettlementItem, SettlementStatus } from '../../enclave/src/chain/node-chain.ts'
import { createLogger } from '../../enclave/src/logging.ts'
import { createMetrics } from '../../enclave/src/metrics.ts'
import { openJournal, type Journal } from '../../enclave/src/payment/journal.ts'
import { bumped } from '../../enclave/src/settlement/gas-bump.ts'
import {
  openSettlementQueue,
  type SettlementQueue,
} from '../../enclave/src/settlement/settlement-queue.ts'
import { deadlineOf, isUrgent, isWorth } from '../../enclave/src/settlement/worth.ts'
import { openStore, type Store } from '../../enclave/src/storage/store.ts'
import { cleanUp, startNode, temporaryFolder, TestClock, until } from './setting/start-node.ts'
import { TestChain } from './setting/test-chain.ts'
import { chatBody, digestOf } from './setting/test-client.ts'
import { TestSettlementChain } from './setting/test-settlement-chain.ts'

const stores: Store[] = []
afterAll(async () => {
  await Promise.all(stores.map((store) => store.close()))
  await cleanUp()
})

const SIGNATURE: Hex = `0x${'5a'.repeat(65)}`
const CHANNEL = digestOf('channel')
const FEE = 1_000_000n

/** A chain that answers each item with the status its nonce stands for. */
class StatusChain extends TestChain {
  statuses: readonly SettlementStatus[] = []
  readonly batches: number[] = []

  override preview(items: readonly SettlementItem[]): Promise<readonly SettlementStatus[]> {
    this.batches.push(items.length)
    return Promise.resolve(items.map(({ auth }) => this.statuses[Number(auth.nonce)] ?? 'paid'))
  }

  override settle(items: readonly SettlementItem[]): Promise<ReadonlyMap<Hex, bigint>> {
    this.settlements.push(items)
    return Promise.resolve(new Map(items.map(({ receipt }) => [receipt.authHash, FEE])))
  }
}

interface Setting {
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

async function open(
  count: number,
  { worth = 0, confirmations = 1 }: { worth?: number; confirmations?: number } = {},
): Promise<Setting> {
  const clock = new TestClock()
  const store = await openStore(await temporaryFolder())
  stores.push(store)
  const journal = await openJournal(store, clock.now)
  const owe: Setting['owe'] = async (nonce, channelId, fee) => {
    const authHash = digestOf(`auth ${nonce}`)
    const auth = {
      channelId,
      nonce: BigInt(nonce),
      bindingId: digestOf('binding'),
      requestHash: digestOf('request'),
      maxFee: 10n * FEE,
      validUntil: BigInt(Math.floor(Date.now() / 1000)) + 600n,
    }
    const receipt = {
      authHash,
      responseHash: digestOf('response'),
      inputTokens: 1,
      outputTokens: 1,
      finish: 0,
      issuedAt: 1n,
    }
    await journal.start(authHash, auth)
    await journal.finish({ auth, authSig: SIGNATURE, receipt, receiptSig: SIGNATURE }, fee)
  }
  for (let nonce = 0; nonce < count; nonce++) await owe(nonce, CHANNEL, FEE)
  const held: Hex[] = []
  const chain = new StatusChain(clock.now)
  const settlement = new TestSettlementChain(chain)
  const queue = await openSettlementQueue({
    worth,
    confirmations,
    intervalMs: 20,
    chain: settlement,
    channels: chain,
    holds: { channels: () => held },
    journal,
    store,
    metrics: createMetrics([], { admitted: () => 0, underWay: () => 0, waiting: () => 0 }),
    logger: createLogger('silent'),
    now: clock.now,
  })
  const waiting = (): readonly number[] =>
    journal
      .waiting()
      .map(({ item }) => Number(item.auth.nonce))
      .toSorted((a, b) => a - b)
  return { chain, settlement, journal, clock, queue, waiting, held, owe }
}

const noncesOf = (batches: readonly (readonly SettlementItem[])[]): readonly number[] =>
  batches
    .flat()
    .map(({ auth }) => Number(auth.nonce))
    .toSorted((a, b) => a - b)

describe('a settlement', () => {
  test('N11 an item leaves the queue only by an answer that no later block can change', async () => {
    const statuses = [
      'paid',
      'underfunded',
      'already_used',
      'bad_auth',
      'bad_receipt',
      'bad_binding',
      'expired',
      'channel_closed',
      'over_cap',
      'nothing_due',
    ] as const
    const { chain, clock, queue, waiting } = await open(statuses.length)
    chain.statuses = statuses
    await queue.settleNow()
    expect(waiting().map((nonce) => statuses[nonce])).toEqual([
      'underfunded',
      'bad_auth',
      'bad_receipt',
      'bad_binding',
    ])
    expect(noncesOf(chain.settlements)).toEqual([0])
    chain.statuses = []
    // What cannot be paid is not asked for in every round.
    await queue.settleNow()
    expect(noncesOf(chain.settlements)).toEqual([0])
    clock.pass(601)
    await queue.settleNow()
    expect(waiting()).toEqual([])
  })

  test('N11 an answer of the newest block alone gives nothing up', async () => {
    const { chain, settlement, queue, waiting } = await open(2)
    chain.statuses = ['already_used', 'expired']
    settlement.agreedPreview = () => Promise.resolve(['paid', 'paid'])
    await queue.settleNow()
    expect(waiting()).toEqual([0, 1])
    settlement.agreedPreview = () => Promise.reject(new Error('the RPCs do not agree'))
    await queue.settleNow()
    expect(waiting()).toEqual([0, 1])
  })

  test('batches are within the contract, one after the other', async () => {
    const { chain, queue, waiting } = await open(2 * MAX_SETTLE_BATCH + 1)
    for (let round = 0; round < 3; round++) await queue.settleNow()
    expect(chain.settlements.map(({ length }) => length)).toEqual([
      MAX_SETTLE_BATCH,
      MAX_SETTLE_BATCH,
      1,
    ])
    expect(waiting()).toEqual([])
  })

  test('one item that cannot be paid holds no other back', async () => {
    const { chain, queue, waiting } = await open(3)
    chain.statuses = ['bad_auth']
    await queue.settleNow()
    expect(waiting()).toEqual([0])
    expect(noncesOf(chain.settlements)).toEqual([1, 2])
  })

  test('an item that the block did not pay waits again when the block is sure', async () => {
    const { chain, queue, waiting, settlement } = await open(2, { confirmations: 12 })
    settlement.above = 0n
    chain.settle = (items) => {
      chain.settlements.push(items)
      return Promise.resolve(new Map([[digestOf('auth 0'), FEE]]))
    }
    await queue.settleNow()
    expect(waiting()).toEqual([])
    settlement.above = 11n
    await queue.settleNow()
    expect(noncesOf(chain.settlements.slice(1))).toEqual([1])
  })

  test('it waits until it brings what its gas costs, so many times over', async () => {
    const { chain, settlement, queue } = await open(4, { worth: 2 })
    settlement.fees = { maxFeePerGas: 21n, maxPriorityFeePerGas: 1n }
    await queue.settleNow()
    expect(chain.settlements).toEqual([])
    settlement.fees = { maxFeePerGas: 20n, maxPriorityFeePerGas: 1n }
    await queue.settleNow()
    expect(chain.settlements).toHaveLength(1)
  })

  test('N11 settles_before_close: before a channel closes or the window ends it only has to pay its gas', async () => {
    const { chain, settlement, queue, clock } = await open(4, { worth: 100 })
    settlement.fees = { maxFeePerGas: 40n, maxPriorityFeePerGas: 1n }
    await queue.settleNow()
    expect(chain.settlements).toEqual([])
    const closing = { ...(await chain.channel(CHANNEL)), state: 'closing' as const }
    chain.channels.set(CHANNEL, { ...closing, closeAt: chain.now() + 3n * 3600n })
    await queue.settleNow()
    expect(chain.settlements).toEqual([])
    clock.pass(3_601)
    settlement.fees = { maxFeePerGas: 41n, maxPriorityFeePerGas: 1n }
    await queue.settleNow()
    expect(chain.settlements).toEqual([])
    settlement.fees = { maxFeePerGas: 40n, maxPriorityFeePerGas: 1n }
    await queue.settleNow()
    expect(chain.settlements).toHaveLength(1)
  })

  test('N11 a held channel is settled for its own gas, when nothing of it is being answered any more', async () => {
    const { chain, settlement, queue, held, owe, journal, clock } = await open(1, { worth: 100 })
    const other = digestOf('other channel')
    await owe(1, other, FEE)
    settlement.fees = { maxFeePerGas: 10n, maxPriorityFeePerGas: 1n }
    await queue.settleNow()
    expect(chain.settlements).toEqual([])
    held.push(CHANNEL)
    const auth = { channelId: CHANNEL, nonce: 9n, bindingId: digestOf('binding') }
    const running = { ...auth, requestHash: digestOf('r'), maxFee: 5n, validUntil: 2n ** 40n }
    await journal.start(digestOf('running'), running)
    await queue.settleNow()
    expect(chain.settlements).toEqual([])
    await journal.abandon(digestOf('running'), 'not_served')
    // Dearer than what the channel brings: the receipts of others do not pay for it.
    settlement.fees = { maxFeePerGas: 11n, maxPriorityFeePerGas: 1n }
    await queue.settleNow()
    expect(chain.settlements).toEqual([])
    settlement.fees = { maxFeePerGas: 10n, maxPriorityFeePerGas: 1n }
    await queue.settleNow()
    expect(chain.settlements).toEqual([])
    clock.pass(61)
    await queue.settleNow()
    expect(noncesOf(chain.settlements)).toEqual([0])
  })

  test('N11 releases do not make a node spend its gas: once an hour a channel, once a minute for all', async () => {
    const { chain, settlement, queue, held, owe, clock } = await open(1, { worth: 100 })
    settlement.fees = { maxFeePerGas: 10n, maxPriorityFeePerGas: 1n }
    held.push(CHANNEL)
    await queue.settleNow()
    expect(noncesOf(chain.settlements)).toEqual([0])
    const others = [1, 2, 3].map((index) => digestOf(`channel ${index}`))
    held.push(...others)
    for (const [index, channelId] of others.entries()) await owe(index + 1, channelId, FEE)
    await owe(4, CHANNEL, FEE)
    await queue.settleNow()
    expect(chain.settlements).toHaveLength(1)
    clock.pass(61)
    await queue.settleNow()
    expect(chain.settlements).toHaveLength(2)
    expect(noncesOf(chain.settlements.slice(1))).toEqual([1, 2, 3])
    clock.pass(3_000)
    await queue.settleNow()
    expect(chain.settlements).toHaveLength(2)
    clock.pass(600)
    await queue.settleNow()
    expect(noncesOf(chain.settlements.slice(2))).toEqual([4])
  })

  test('N11 nobody keeps another channel from its release by dust in held channels of his own', async () => {
    const { chain, settlement, queue, held, owe } = await open(1, { worth: 100 })
    const dust = [1, 2, 3].map((index) => digestOf(`dust ${index}`))
    held.push(...dust, CHANNEL)
    for (const [index, channelId] of dust.entries()) await owe(index + 1, channelId, 1n)
    // A receipt brings the gas of one, and not of four.
    settlement.estimateGas = (settled) =>
      Promise.resolve('items' in settled ? BigInt(settled.items.length) * 100_000n : 0n)
    settlement.fees = { maxFeePerGas: 10n, maxPriorityFeePerGas: 1n }
    await queue.settleNow()
    expect(noncesOf(chain.settlements)).toEqual([0])
  })

  test('N11 urgent receipts that bring too little keep back none that bring enough', async () => {
    const { chain, settlement, queue, owe } = await open(0, { worth: 2 })
    const dust = digestOf('closing channel')
    const rest = { ...(await chain.channel(CHANNEL)), state: 'closing' as const }
    chain.channels.set(dust, { ...rest, closeAt: chain.now() + 3_600n })
    for (let nonce = 0; nonce < MAX_SETTLE_BATCH; nonce++) await owe(nonce, dust, 1n)
    await owe(MAX_SETTLE_BATCH, CHANNEL, FEE)
    settlement.fees = { maxFeePerGas: 5n, maxPriorityFeePerGas: 1n }
    await queue.settleNow()
    expect(noncesOf(chain.settlements)).toContain(MAX_SETTLE_BATCH)
  })

  test('S6 a queue that runs forgets what has expired, and what was never concluded is owed no longer', async () => {
    const { queue, journal, clock } = await open(0)
    const end = BigInt(Math.floor(clock.now().getTime() / 1000)) + 600n
    const auth = { channelId: CHANNEL, nonce: 1n, bindingId: digestOf('binding') }
    const taken = { ...auth, requestHash: digestOf('r'), maxFee: 5n, validUntil: end }
    await journal.start(digestOf('never concluded'), taken)
    clock.pass(600 + 12 * 3600 + 2)
    expect(journal.owed(CHANNEL)).toBe(5n)
    const stop = new AbortController()
    const running = queue.run(stop.signal)
    await until(() => journal.owed(CHANNEL) === 0n)
    expect(journal.knows(digestOf('never concluded'), taken)).toBe(false)
    stop.abort()
    await running
  })

  test('a receipt of this second waits for a block of its time', async () => {
    const { client, fetch, chain, node } = await startNode()
    const realNow = chain.now
    expect((await fetch(client.request(chatBody()))).status).toBe(200)
    // The newest block is a minute old: in its time the receipt is from the future.
    chain.now = () => realNow() - 60n
    const { channelId } = client
    await node.drain()
    expect(chain.channels.get(channelId)?.spent).toBe(0n)
    chain.now = realNow
  })

  test('N11 an unreachable chain, then a lost answer: settled once, and known as such', async () => {
    const { client, fetch, chain, node, restart } = await startNode()
    expect((await fetch(client.request(chatBody()))).status).toBe(200)
    chain.down = true
    await node.drain()
    chain.down = false
    const second = await restart()
    chain.losesAnswers = true
    await second.node.drain()
    chain.losesAnswers = false
    expect(chain.channels.get(client.channelId)?.spent).toBe(40n)
    const third = await restart()
    await third.node.drain()
    expect(chain.channels.get(client.channelId)?.spent).toBe(40n)
    expect(third.logs.join('')).toContain('"fee":"40"')
    expect(chain.settlements).toHaveLength(1)
  })
})

describe('the numbers of a settlement', () => {
  test('a deadline is the end of the window, or of the channel if that is earlier', () => {
    const auth = { validUntil: 1_000n }
    const owed = { item: { auth }, fee: 1n } as Parameters<typeof deadlineOf>[0]
    const windowEnd = 1_000n + 12n * 3600n
    expect(deadlineOf(owed, undefined)).toBe(windowEnd)
    expect(deadlineOf(owed, { state: 'open', closeAt: 5n })).toBe(windowEnd)
    expect(deadlineOf(owed, { state: 'closing', closeAt: 5_000n })).toBe(5_000n)
    expect(deadlineOf(owed, { state: 'closing', closeAt: windowEnd + 1n })).toBe(windowEnd)
    expect(isUrgent(10_000n, 10_000n - 7_200n)).toBe(true)
    expect(isUrgent(10_000n, 10_000n - 7_201n)).toBe(false)
  })

  test.each([
    [{ fees: 10n, cost: 5n, last: false }, 2, true],
    [{ fees: 9n, cost: 5n, last: false }, 2, false],
    [{ fees: 5n, cost: 5n, last: true }, 2, true],
    [{ fees: 4n, cost: 5n, last: true }, 2, false],
    [{ fees: 1n, cost: 5n, last: true }, 0, true],
    [{ fees: 0n, cost: 5n, last: false }, 0, true],
    [{ fees: 3n, cost: 5n, last: true }, 0.5, true],
  ] as const)('%o with worth %d: %s', (batch, worth, expected) => {
    expect(isWorth(batch, { worth })).toBe(expected)
  })

  test('a replacement offers an eighth more of both, and no less than is asked', () => {
    const before = { maxFeePerGas: 1_000n, maxPriorityFeePerGas: 7n }
    expect(bumped(before, { maxFeePerGas: 1n, maxPriorityFeePerGas: 1n })).toEqual({
      maxFeePerGas: 1_126n,
      maxPriorityFeePerGas: 9n,
    })
    expect(bumped(before, { maxFeePerGas: 9_999n, maxPriorityFeePerGas: 99n })).toEqual({
      maxFeePerGas: 9_999n,
      maxPriorityFeePerGas: 99n,
    })
  })
})
