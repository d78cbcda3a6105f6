import { SETTLE_WINDOW_S } from '@jeju/verifier/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import { authOf, CHANNEL, hashOf, itemOf, openJournalOn } from './setting/journal.ts'
import { cleanUp, temporaryFolder, TestClock } from './setting/start-node.ts'

afterAll(cleanUp)

describe('what the disk of a journal holds', () => {
  test('S6 startup_bounded_by_live_set: the file holds what matters, not what ever happened', async () => {
    const folder = await temporaryFolder()
    const clock = new TestClock()
    const validUntil = BigInt(Math.floor(clock.now().getTime() / 1000)) + 600n
    const { journal, store } = await openJournalOn(folder, clock)
    await journal.start(hashOf(0n), authOf(0n, { validUntil }))
    for (let nonce = 1n; nonce <= 3n; nonce++) {
      await journal.start(hashOf(nonce), authOf(nonce, { validUntil }))
      await journal.finish(itemOf(authOf(nonce, { validUntil })), 40n)
    }
    await journal.move([{ authHash: hashOf(1n), to: 'closed', status: 'paid' }])
    await journal.move([{ authHash: hashOf(2n), to: 'included' }])
    await store.close()
    clock.pass(600 + Number(SETTLE_WINDOW_S) + 2)
    const second = await openJournalOn(folder, clock)
    // A block that took an item in may still be taken back.
    const rows = await second.store.all('SELECT auth_hash FROM authorisations')
    expect(rows.map((row) => row['auth_hash'])).toEqual([hashOf(2n)])
    expect(await second.store.all('SELECT * FROM receipts')).toHaveLength(1)
    await second.store.close()
    clock.pass(24 * 3600)
    const third = await openJournalOn(folder, clock)
    expect(await third.store.all('SELECT * FROM authorisations')).toEqual([])
    await third.store.close()
  })

  test('S6 a journal that is never closed forgets what has expired', async () => {
    const clock = new TestClock()
    const { journal, store } = await openJournalOn(undefined, clock)
    const serve = async (from: bigint, count: bigint): Promise<void> => {
      const served: Promise<void>[] = []
      const validUntil = BigInt(Math.floor(clock.now().getTime() / 1000)) + 600n
      for (let nonce = from; nonce < from + count; nonce++) {
        const auth = authOf(nonce, { validUntil })
        const request = async (): Promise<void> => {
          await journal.start(hashOf(nonce), auth)
          await journal.finish(itemOf(auth), 40n)
          await journal.move([{ authHash: hashOf(nonce), to: 'closed', status: 'paid' }])
        }
        served.push(request())
      }
      await Promise.all(served)
    }
    await serve(0n, 1_000n)
    clock.pass(600 + Number(SETTLE_WINDOW_S) + 2)
    await serve(1_000n, 1_100n)
    expect(journal.knows(hashOf(5n), authOf(5n))).toBe(false)
    expect(journal.knows(hashOf(1_005n), authOf(1_005n))).toBe(true)
    expect(await store.all('SELECT * FROM authorisations')).toHaveLength(1_100)
    await store.close()
  })
})

describe('a disk that fails', () => {
  test('N2 a journal whose disk has failed takes and owes nothing more, and does not grow', async () => {
    const { journal, store } = await openJournalOn()
    await journal.start(hashOf(1n), authOf(1n))
    await journal.start(hashOf(2n), authOf(2n))
    await store.close()
    await expect(journal.finish(itemOf(authOf(1n)), 40n)).rejects.toThrow('closed')
    for (let nonce = 3n; nonce < 9n; nonce++) {
      await expect(journal.start(hashOf(nonce), authOf(nonce))).rejects.toThrow('closed')
      expect(journal.knows(hashOf(nonce), authOf(nonce))).toBe(false)
    }
    expect(journal.waiting()).toEqual([])
    expect(journal.reserved(CHANNEL)).toBe(200n)
  })

  test('N2 what the disk did not take is owed no longer', async () => {
    const { journal, store } = await openJournalOn()
    await journal.start(hashOf(1n), authOf(1n))
    await journal.start(hashOf(2n), authOf(2n))
    // Breaks the store: nothing is written any more.
    const broken = { sql: 'INSERT INTO evidence VALUES (1)', values: [] }
    const failing = [
      journal.start(hashOf(3n), authOf(3n)),
      journal.finish(itemOf(authOf(2n)), 40n, [broken]),
    ]
    for (const outcome of await Promise.allSettled(failing)) expect(outcome.status).toBe('rejected')
    expect(journal.owed(CHANNEL)).toBe(100n)
    expect(journal.waiting()).toEqual([])
    await expect(journal.abandon(hashOf(1n), 'not_served')).rejects.toThrow()
    expect(journal.owed(CHANNEL)).toBe(0n)
    expect(journal.reserved(CHANNEL)).toBe(0n)
    expect(journal.knows(hashOf(3n), authOf(3n))).toBe(true)
    await store.close()
  })
})
