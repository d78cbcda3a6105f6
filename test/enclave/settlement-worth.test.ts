import { MAX_SETTLE_BATCH } from '@jeju/verifier/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import { bumped } from '../../enclave/src/settlement/gas-bump.ts'
import { deadlineOf, isUrgent, isWorth } from '../../enclave/src/settlement/worth.ts'
import { CHANNEL } from './setting/journal.ts'
import { closeQueues, FEE, noncesOf, openReceiptQueue } from './setting/settlement-queue.ts'
import { cleanUp } from './setting/start-node.ts'
import { digestOf } from './setting/test-client.ts'

// When a settlement brings what its gas costs.

afterAll(async () => {
  await closeQueues()
  await cleanUp()
})

describe('a settlement', () => {
  test('it waits until it brings what its gas costs, so many times over', async () => {
    const { chain, settlement, queue } = await openReceiptQueue(4, { worth: 2 })
    settlement.fees = { maxFeePerGas: 21n, maxPriorityFeePerGas: 1n }
    await queue.settleNow()
    expect(chain.settlements).toEqual([])
    settlement.fees = { maxFeePerGas: 20n, maxPriorityFeePerGas: 1n }
    await queue.settleNow()
    expect(chain.settlements).toHaveLength(1)
  })

  test('N11 settles_before_close: before a channel closes or the window ends it only has to pay its gas', async () => {
    const { chain, settlement, queue, clock } = await openReceiptQueue(4, { worth: 100 })
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

  test('N11 urgent receipts that bring too little keep back none that bring enough', async () => {
    const { chain, settlement, queue, owe } = await openReceiptQueue(0, { worth: 2 })
    const dust = digestOf('closing channel')
    const rest = { ...(await chain.channel(CHANNEL)), state: 'closing' as const }
    chain.channels.set(dust, { ...rest, closeAt: chain.now() + 3_600n })
    for (let nonce = 0; nonce < MAX_SETTLE_BATCH; nonce++) await owe(nonce, dust, 1n)
    await owe(MAX_SETTLE_BATCH, CHANNEL, FEE)
    settlement.fees = { maxFeePerGas: 5n, maxPriorityFeePerGas: 1n }
    await queue.settleNow()
    expect(noncesOf(chain.settlements)).toContain(MAX_SETTLE_BATCH)
  })
})

describe('a settlement for a release', () => {
  test('N11 a held channel is settled for its own gas, when nothing of it is being answered any more', async () => {
    const { chain, settlement, queue, held, owe, journal, clock } = await openReceiptQueue(1, {
      worth: 100,
    })
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
    const { chain, settlement, queue, held, owe, clock } = await openReceiptQueue(1, { worth: 100 })
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
    const { chain, settlement, queue, held, owe } = await openReceiptQueue(1, { worth: 100 })
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
