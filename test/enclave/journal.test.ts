import fc from 'fast-check'
import type { Hex } from '@jeju/verifier/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import { openJournal } from '../../enclave/src/payment/journal.ts'
import { openStore } from '../../enclave/src/storage/store.ts'
import { authOf, CHANNEL, hashOf, itemOf, openJournalOn, SOON } from './setting/journal.ts'
import { cleanUp, temporaryFolder, TestClock } from './setting/start-node.ts'
import { digestOf } from './setting/test-client.ts'

afterAll(cleanUp)

describe('the journal', () => {
  test('N9 N11 remembers across a restart what was taken, owed and settled', async () => {
    const folder = await temporaryFolder()
    const { now } = new TestClock()
    const firstStore = await openStore(folder)
    const first = await openJournal(firstStore, now)
    for (const nonce of [1n, 2n, 3n]) await first.start(hashOf(nonce), authOf(nonce))
    await first.finish(itemOf(authOf(2n)), 40n)
    await first.finish(itemOf(authOf(3n)), 40n)
    await first.move([{ authHash: hashOf(3n), to: 'included' }])
    expect(first.reserved(CHANNEL)).toBe(100n + 40n + 40n)
    await first.move([{ authHash: hashOf(3n), to: 'closed', status: 'paid' }])
    await firstStore.close()

    const secondStore = await openStore(folder)
    const second = await openJournal(secondStore, now)
    expect(second.waiting()).toEqual([{ item: itemOf(authOf(2n)), fee: 40n }])
    // What was running is burned and reserves nothing; what is owed still does.
    expect(second.reserved(CHANNEL)).toBe(40n)
    for (const nonce of [1n, 2n, 3n]) {
      expect(await second.start(hashOf(nonce), authOf(nonce))).toBe(false)
    }
    expect(await second.start(hashOf(4n), authOf(4n))).toBe(true)
    await secondStore.close()
  })

  test('a channel owes what is under way, and each fee until its payment is final', async () => {
    const clock = new TestClock()
    const { journal, store } = await openJournalOn(undefined, clock)
    const authHash = hashOf(1n)
    const move = (to: 'waiting' | 'sent' | 'included' | 'closed'): Promise<void> =>
      journal.move([{ authHash, to }])
    expect(journal.owed(CHANNEL)).toBe(0n)
    await journal.start(authHash, authOf(1n))
    expect(journal.owed(CHANNEL)).toBe(100n)
    await journal.finish(itemOf(authOf(1n)), 40n)
    expect(journal.owed(CHANNEL)).toBe(40n)
    for (const to of ['sent', 'included', 'waiting', 'sent', 'included'] as const) {
      await move(to)
      expect(journal.owed(CHANNEL)).toBe(40n)
    }
    // No longer reserved, and still owed: the block may be taken back.
    clock.pass(60)
    expect(journal.reserved(CHANNEL)).toBe(0n)
    expect(journal.owed(CHANNEL)).toBe(40n)
    await move('closed')
    expect(journal.owed(CHANNEL)).toBe(0n)
    await store.close()
  })

  test('P32 a nonce of a channel is taken once, whatever else the authorisation says', async () => {
    const { journal, store } = await openJournalOn()
    await journal.start(hashOf(1n), authOf(1n))
    expect(journal.knows(digestOf('another'), authOf(1n, { maxFee: 1n }))).toBe(true)
    expect(journal.knows(digestOf('another'), authOf(1n, { channelId: digestOf('c2') }))).toBe(
      false,
    )
    await store.close()
  })

  test('N10 two processes on one file take an authorisation once', async () => {
    const folder = await temporaryFolder()
    const { now } = new TestClock()
    const [one, two] = [await openStore(folder), await openStore(folder)]
    const [first, second] = [await openJournal(one, now), await openJournal(two, now)]
    expect(await first.start(hashOf(1n), authOf(1n))).toBe(true)
    expect(await second.start(hashOf(1n), authOf(1n))).toBe(false)
    expect(await second.start(digestOf('another'), authOf(1n, { maxFee: 1n }))).toBe(false)
    await one.close()
    await two.close()
  })

  test('the answer to start comes after the row is on disk', async () => {
    const folder = await temporaryFolder()
    const { journal, store } = await openJournalOn(folder)
    await journal.start(hashOf(1n), authOf(1n))
    const other = await openStore(folder)
    const rows = await other.all('SELECT auth_hash FROM authorisations')
    expect(rows.map((row) => row['auth_hash'])).toEqual([hashOf(1n)])
    await other.close()
    await store.close()
  })

  test('P4 a second receipt of an authorisation is never on disk', async () => {
    const { journal, store } = await openJournalOn()
    await journal.start(hashOf(1n), authOf(1n))
    await journal.finish(itemOf(authOf(1n)), 40n)
    await expect(journal.finish(itemOf(authOf(1n)), 41n)).rejects.toThrow()
    await store.close()
  })

  test('S5 tampered_store_detected: what is not ours refuses the start', async () => {
    const bad = {
      max_fee: '-1',
      nonce: '0x01',
      channel_id: '0xAB',
      request_hash: `0x${'ab'.repeat(31)}`,
      valid_until: -1,
      state: 'begun',
    }
    for (const [column, value] of Object.entries(bad)) {
      const folder = await temporaryFolder()
      const { journal, store } = await openJournalOn(folder)
      await journal.start(hashOf(1n), authOf(1n))
      await store.write([{ sql: `UPDATE authorisations SET ${column} = ?`, values: [value] }])
      await store.close()
      const again = await openStore(folder)
      const opening = openJournal(again, new TestClock().now)
      if (column === 'valid_until') await opening
      else await expect(opening).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
      await again.close()
    }
  })

  test('N2 a reservation that ends later holds back none that has ended: a clock was set back', async () => {
    const clock = new TestClock()
    const { journal, store } = await openJournalOn(undefined, clock)
    for (const nonce of [1n, 2n]) {
      await journal.start(hashOf(nonce), authOf(nonce))
      await journal.finish(itemOf(authOf(nonce)), 40n)
    }
    clock.pass(100)
    await journal.move([{ authHash: hashOf(1n), to: 'included' }])
    clock.pass(-100)
    await journal.move([{ authHash: hashOf(2n), to: 'included' }])
    clock.pass(40)
    expect(journal.reserved(CHANNEL)).toBe(40n)
    clock.pass(100)
    expect(journal.reserved(CHANNEL)).toBe(0n)
    await store.close()
  })

  test('a maximum of nothing is counted like any other', async () => {
    const { journal, store } = await openJournalOn()
    await journal.start(hashOf(1n), authOf(1n, { maxFee: 0n }))
    expect(journal.countsOf(CHANNEL)).toMatchObject({ answering: 1, waiting: 0 })
    await journal.finish(itemOf(authOf(1n, { maxFee: 0n })), 0n)
    expect(journal.countsOf(CHANNEL)).toMatchObject({ answering: 0, waiting: 1 })
    await journal.move([{ authHash: hashOf(1n), to: 'closed', status: 'nothing_due' }])
    expect(journal.countsOf(CHANNEL)).toEqual({ answering: 0, waiting: 0 })
    await store.close()
  })

  test('what a row says is what was written', async () => {
    const hex = (bytes: number): fc.Arbitrary<Hex> =>
      fc
        .uint8Array({ minLength: bytes, maxLength: bytes })
        .map((value): Hex => `0x${Buffer.from(value).toString('hex')}`)
    const uint = (bits: number): fc.Arbitrary<bigint> =>
      fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) - 1n })
    const seconds = fc.bigInt({ min: SOON, max: 2n ** 40n })
    const auth = fc.record({
      channelId: hex(32),
      nonce: uint(256),
      bindingId: hex(32),
      requestHash: hex(32),
      maxFee: uint(128),
      validUntil: seconds,
    })
    const receipt = fc.record({
      authHash: hex(32),
      responseHash: hex(32),
      inputTokens: fc.nat(),
      outputTokens: fc.nat(),
      finish: fc.nat(4),
      issuedAt: seconds,
    })
    const item = fc.record({ auth, authSig: hex(65), receipt, receiptSig: hex(65) })
    const owed = fc.array(fc.record({ item, fee: uint(128) }), { minLength: 1, maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(owed, async (all) => {
        const folder = await temporaryFolder()
        const { journal, store } = await openJournalOn(folder)
        for (const { item: one, fee } of all) {
          await journal.start(one.receipt.authHash, one.auth)
          await journal.finish(one, fee)
        }
        await store.close()
        const again = await openJournalOn(folder)
        expect(again.journal.waiting()).toEqual(all)
        await again.store.close()
      }),
      { numRuns: 10 },
    )
  })
})
