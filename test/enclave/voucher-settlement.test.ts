import type { Hex } from '@jeju/verifier/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import type { Channel } from '../../enclave/src/chain/node-chain.ts'
import { closeStores } from './setting/payment.ts'
import { openQueue } from './setting/settlement-queue.ts'
import { cleanUp, TestClock } from './setting/start-node.ts'
import { TestSettlementChain } from './setting/test-settlement-chain.ts'
import { openVouchers, type VoucherSetting } from './setting/voucher-setting.ts'

afterAll(async () => {
  await closeStores()
  await cleanUp()
})

const HOUR_S = 3_600

interface Queue extends VoucherSetting {
  readonly clock: TestClock
  readonly settlement: TestSettlementChain
  readonly held: Hex[]
  /** A request that is answered for so much. */
  answered(fee: bigint, maxFee?: bigint): Promise<void>
  settle(last?: boolean): Promise<void>
  change(changes: Partial<Channel>): Promise<void>
  /** Sums that were settled, in order. */
  settled(): readonly bigint[]
}

async function open(options: { worth?: number; confirmations?: number } = {}): Promise<Queue> {
  const clock = new TestClock()
  const setting = await openVouchers(undefined, undefined, undefined, clock.now)
  const { chain, store, journal, client, take, answer } = setting
  const settlement = new TestSettlementChain(chain)
  const { queue, held } = await openQueue({
    chain: settlement,
    channels: chain,
    journal,
    store,
    now: clock.now,
    ...options,
  })
  return {
    ...setting,
    clock,
    settlement,
    held,
    answered: async (fee, maxFee = 1_000n) => {
      expect(await take({ maxFee })).toBe('ok')
      await answer(fee)
    },
    settle: (last) => queue.settleNow(last),
    change: async (changes) => {
      const channel = await chain.channel(client.channelId)
      chain.channels.set(client.channelId, { ...channel, ...changes })
    },
    settled: () => chain.settledVouchers.map(({ cumulative }) => cumulative),
  }
}

describe('what a node claims', () => {
  test('no more than it has charged, as far as vouchers allow', async () => {
    const { answered, settle, settled } = await open()
    // One voucher, of 1000: nothing is claimed for 700.
    await answered(700n)
    await settle()
    expect(settled()).toEqual([])
    // Vouchers of 1000 and 1700, 1400 charged.
    await answered(700n)
    await settle()
    expect(settled()).toEqual([1_000n])
    await answered(700n)
    await settle()
    expect(settled()).toEqual([1_000n, 1_700n])
  })

  test('exactly what was charged, with the voucher for that', async () => {
    const { answered, settle, settled, journal, client, store, chain } = await open()
    await answered(700n)
    const { channelId } = client
    const { sessionKey } = await chain.channel(channelId)
    await store.write([...journal.vouchers.bring(channelId, client.voucher(700n), sessionKey)])
    await settle()
    await settle()
    expect(settled()).toEqual([700n])
    expect(journal.owed(client.channelId)).toBe(0n)
  })

  test('N11 settles_before_close: what is closing is claimed with the least that covers it', async () => {
    const { answered, settle, settled, change, chain } = await open()
    await answered(700n)
    await answered(100n)
    await change({ state: 'closing', closeAt: chain.now() + 3n * 3_600n })
    await settle()
    expect(settled()).toEqual([])
    await change({ closeAt: chain.now() + 2n * 3_600n })
    await settle()
    // Vouchers of 1000 and 1700, 800 charged.
    expect(settled()).toEqual([1_000n])
  })

  test('P20 what a replaced key signed is claimed while it still counts', async () => {
    const { answered, settle, settled, change, chain, client } = await open()
    await answered(700n)
    const { sessionKey } = await chain.channel(client.channelId)
    chain.replacedKeys.add(sessionKey)
    await change({ sessionKey: `0x${'5e'.repeat(20)}` })
    await settle()
    expect(settled()).toEqual([1_000n])
  })

  test('what the contract refuses is not sent, and asked again ten minutes later', async () => {
    const { answered, settle, settled, change, chain, clock, client } = await open()
    await answered(700n)
    const { sessionKey } = await chain.channel(client.channelId)
    await change({ sessionKey: `0x${'5e'.repeat(20)}` })
    await settle()
    chain.replacedKeys.add(sessionKey)
    clock.pass(599)
    await settle()
    expect(settled()).toEqual([])
    expect(chain.calls.filter((method) => method === 'previewVoucher')).toHaveLength(1)
    clock.pass(2)
    await settle()
    expect(settled()).toEqual([1_000n])
  })

  test('who has left for as long as a receipt counts is not waited for', async () => {
    const { answered, settle, settled, clock } = await open()
    await answered(700n)
    clock.pass(12 * HOUR_S)
    await settle()
    expect(settled()).toEqual([])
    clock.pass(1)
    await settle()
    expect(settled()).toEqual([1_000n])
  })

  test('what was claimed beyond is credit of the client', async () => {
    const { answered, settle, settled, clock, journal, client } = await open()
    await answered(700n)
    clock.pass(13 * HOUR_S)
    await settle()
    expect(settled()).toEqual([1_000n])
    await answered(200n)
    expect(journal.owed(client.channelId)).toBe(0n)
    await answered(400n)
    expect(journal.owed(client.channelId)).toBe(300n)
    clock.pass(13 * HOUR_S)
    await settle()
    expect(settled()).toEqual([1_000n, 1_700n])
  })

  test('nothing of a closed channel, which is forgotten when no block can be taken back', async () => {
    const { answered, settle, settled, change, clock, journal, client, store } = await open()
    await answered(700n)
    await change({ state: 'closed' })
    await settle()
    expect(journal.owed(client.channelId)).toBe(700n)
    clock.pass(25 * HOUR_S)
    await settle()
    expect(settled()).toEqual([])
    expect(journal.owed(client.channelId)).toBe(0n)
    expect(await store.all('SELECT * FROM vouchers')).toEqual([])
  })

  test('S6 a channel that nobody uses for a month is forgotten', async () => {
    const { answered, clock, journal, client, store } = await open()
    await answered(700n)
    clock.pass(30 * 24 * HOUR_S)
    await journal.forget()
    expect(journal.vouchers.signerOf(client.channelId)).toBeDefined()
    clock.pass(2)
    await journal.forget()
    expect(journal.vouchers.signerOf(client.channelId)).toBeUndefined()
    expect(await store.all('SELECT * FROM vouchers')).toEqual([])
  })
})

describe('when it claims', () => {
  test('what is not worth its gas waits, and a release needs its gas only', async () => {
    const { answered, settle, settled, settlement, held, client } = await open({ worth: 2 })
    settlement.fees = { maxFeePerGas: 1n, maxPriorityFeePerGas: 1n }
    settlement.gas = 900n
    await answered(700n)
    await answered(700n)
    await settle()
    expect(settled()).toEqual([])
    held.push(client.channelId)
    await settle()
    // Vouchers of 1000 and 1700, 1400 charged.
    expect(settled()).toEqual([1_700n])
  })

  test('N14 what was paid in a block that may be taken back is owed, and claimed once', async () => {
    const { answered, settle, settled, settlement, journal, client, take } = await open({
      confirmations: 3,
    })
    settlement.above = 0n
    await answered(1_000n)
    await settle()
    await settle()
    expect(settled()).toEqual([1_000n])
    expect(journal.owed(client.channelId)).toBe(1_000n)
    // Nobody else was paid: an honest voucher is enough meanwhile.
    expect(await take()).toBe('ok')
    settlement.above = 2n
    await settle()
    expect(journal.vouchers.owed(client.channelId)).toBe(0n)
    await settle()
    expect(settled()).toEqual([1_000n])
    expect(await take()).toBe('ok')
  })

  test('P19 a receipt of a channel of vouchers is never settled', async () => {
    const { answered, settle, chain, journal } = await open()
    await answered(1_000n)
    await settle()
    expect(chain.settlements).toEqual([])
    expect(journal.waiting()).toEqual([])
    expect(chain.settledVouchers).toHaveLength(1)
  })

  test('N9 a start goes on with what was sent', async () => {
    const { answered, settle, settled, settlement, journal, client, stateDir, chain, clock } =
      await open({
        confirmations: 3,
      })
    settlement.above = 0n
    await answered(1_000n)
    await settle()
    const again = await openVouchers(undefined, stateDir, { chain, client }, clock.now)
    expect(again.journal.owed(client.channelId)).toBe(1_000n)
    expect(again.journal.vouchers.due()).toEqual([])
    // What the claim has brought is nobody else's.
    expect(await again.take()).toBe('ok')
    expect(settled()).toEqual([1_000n])
    expect(journal.owed(client.channelId)).toBe(1_000n)
  })
})
