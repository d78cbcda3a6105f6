import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { SETTLE_WINDOW_S, type Hex, type RequestAuth } from '@jeju/verifier/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import type { SettlementItem } from '../../enclave/src/chain/node-chain.ts'
import { openJournal, type Journal } from '../../enclave/src/payment/journal.ts'
import { openStore, type Store } from '../../enclave/src/storage/store.ts'
import { cleanUp, startNode, temporaryFolder, TestClock } from './setting/start-node.ts'
import { chatBody, digestOf, errorOf } from './setting/test-client.ts'

afterAll(cleanUp)

const CHANNEL = digestOf('channel')
/** One moment for all, so that an authorisation built twice is the same one. */
const SOON = BigInt(Math.floor(Date.now() / 1000)) + 600n
const SIGNATURE: Hex = `0x${'5a'.repeat(65)}`

function authOf(nonce: bigint, changes: Partial<RequestAuth> = {}): RequestAuth {
  return {
    channelId: CHANNEL,
    nonce,
    bindingId: digestOf('binding'),
    requestHash: digestOf('request'),
    maxFee: 100n,
    validUntil: SOON,
    ...changes,
  }
}

const hashOf = (nonce: bigint): Hex => digestOf(`auth ${nonce}`)

function itemOf(auth: RequestAuth): SettlementItem {
  return {
    auth,
    authSig: SIGNATURE,
    receipt: {
      authHash: hashOf(auth.nonce),
      responseHash: digestOf('response'),
      inputTokens: 1,
      outputTokens: 2,
      finish: 0,
      issuedAt: 1n,
    },
    receiptSig: SIGNATURE,
  }
}

async function open(
  folder?: string,
  clock = new TestClock(),
): Promise<{ readonly journal: Journal; readonly store: Store }> {
  const store = await openStore(folder ?? (await temporaryFolder()))
  return { store, journal: await openJournal(store, clock.now) }
}

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
    const { journal, store } = await open(undefined, clock)
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
    const { journal, store } = await open()
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
    const { journal, store } = await open(folder)
    await journal.start(hashOf(1n), authOf(1n))
    const other = await openStore(folder)
    const rows = await other.all('SELECT auth_hash FROM authorisations')
    expect(rows.map((row) => row['auth_hash'])).toEqual([hashOf(1n)])
    await other.close()
    await store.close()
  })

  test('P4 a second receipt of an authorisation is never on disk', async () => {
    const { journal, store } = await open()
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
      const { journal, store } = await open(folder)
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

  test('S6 startup_bounded_by_live_set: the file holds what matters, not what ever happened', async () => {
    const folder = await temporaryFolder()
    const clock = new TestClock()
    const validUntil = BigInt(Math.floor(clock.now().getTime() / 1000)) + 600n
    const { journal, store } = await open(folder, clock)
    await journal.start(hashOf(0n), authOf(0n, { validUntil }))
    for (let nonce = 1n; nonce <= 3n; nonce++) {
      await journal.start(hashOf(nonce), authOf(nonce, { validUntil }))
      await journal.finish(itemOf(authOf(nonce, { validUntil })), 40n)
    }
    await journal.move([{ authHash: hashOf(1n), to: 'closed', status: 'paid' }])
    await journal.move([{ authHash: hashOf(2n), to: 'included' }])
    await store.close()
    clock.pass(600 + Number(SETTLE_WINDOW_S) + 2)
    const second = await open(folder, clock)
    // A block that took an item in may still be taken back.
    const rows = await second.store.all('SELECT auth_hash FROM authorisations')
    expect(rows.map((row) => row['auth_hash'])).toEqual([hashOf(2n)])
    expect(await second.store.all('SELECT * FROM receipts')).toHaveLength(1)
    await second.store.close()
    clock.pass(24 * 3600)
    const third = await open(folder, clock)
    expect(await third.store.all('SELECT * FROM authorisations')).toEqual([])
    await third.store.close()
  })

  test('S6 a journal that is never closed forgets what has expired', async () => {
    const clock = new TestClock()
    const { journal, store } = await open(undefined, clock)
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

  test('N2 a journal whose disk has failed takes and owes nothing more, and does not grow', async () => {
    const { journal, store } = await open()
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

  test('N2 a reservation that ends later holds back none that has ended: a clock was set back', async () => {
    const clock = new TestClock()
    const { journal, store } = await open(undefined, clock)
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

  test('N2 what the disk did not take is owed no longer', async () => {
    const { journal, store } = await open()
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

  test('a maximum of nothing is counted like any other', async () => {
    const { journal, store } = await open()
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
        const { journal, store } = await open(folder)
        for (const { item: one, fee } of all) {
          await journal.start(one.receipt.authHash, one.auth)
          await journal.finish(one, fee)
        }
        await store.close()
        const again = await open(folder)
        expect(again.journal.waiting()).toEqual(all)
        await again.store.close()
      }),
      { numRuns: 10 },
    )
  })
})

describe('a node that crashes', () => {
  test('N9 crash_after_start_never_signs_twice', async () => {
    const running = await startNode()
    const { client, fetch, engine, restart } = running
    engine.holdAt = 2
    const signed = client.sign(chatBody())
    void fetch(client.request(chatBody(), signed))
    while (engine.requests.length === 0) await new Promise((resolve) => setImmediate(resolve))
    const after = await restart()
    expect(after.node.bindingId).toBe(running.node.bindingId)
    expect(await errorOf(await after.fetch(client.request(chatBody(), signed)))).toMatchObject({
      status: 409,
      code: 'authorization_already_used',
    })
    expect(after.engine.requests).toEqual([])
  })

  test('N9 rollback_rechecks_chain: an older disk does not bring a paid authorisation back', async () => {
    const running = await startNode()
    const { client, fetch, stateDir, restart } = running
    const before = join(await temporaryFolder(), 'before')
    await cp(stateDir, before, { recursive: true })
    const signed = client.sign(chatBody())
    expect((await fetch(client.request(chatBody(), signed))).status).toBe(200)
    await running.node.drain()
    await rm(stateDir, { recursive: true })
    await cp(before, stateDir, { recursive: true })
    const after = await restart()
    expect(await errorOf(await after.fetch(client.request(chatBody(), signed)))).toMatchObject({
      status: 503,
      code: 'not_ready',
    })
    expect(after.engine.requests).toEqual([])
  })

  test('S5 rollback: an older disk makes no second receipt for what was answered and not paid', async () => {
    const running = await startNode()
    const { client, fetch, stateDir, restart, chain, clock } = running
    const before = join(await temporaryFolder(), 'before')
    await cp(stateDir, before, { recursive: true })
    const signed = client.sign(chatBody(), { validUntil: chain.now() + 3_600n })
    expect((await fetch(client.request(chatBody(), signed))).status).toBe(200)
    await rm(stateDir, { recursive: true })
    await cp(before, stateDir, { recursive: true })
    clock.pass(30)
    const after = await restart()
    const answer = await after.fetch(client.request(chatBody(), signed))
    expect(answer.headers.get('retry-after')).toMatch(/^3[0-9]$/)
    expect(await errorOf(answer)).toMatchObject({ status: 503, code: 'not_ready' })
    // Nor with the database gone, and the clock of the host set back.
    for (const end of ['', '-wal', '-shm']) await rm(join(stateDir, `node.db${end}`))
    const chainTime = chain.now()
    chain.now = () => chainTime
    clock.pass(-1_000)
    const last = await restart()
    const again = async (): Promise<string> =>
      (await errorOf(await last.fetch(client.request(chatBody(), signed)))).code
    expect(await again()).toBe('authorization_expired')
    clock.pass(1_000)
    expect(await again()).toBe('not_ready')
    expect([...after.engine.requests, ...last.engine.requests]).toEqual([])
    // What cannot have been taken before is served.
    clock.pass(1)
    const fresh = client.sign(chatBody(), { validUntil: chainTime + 3_601n })
    expect((await last.fetch(client.request(chatBody(), fresh))).status).toBe(200)
  })

  test('N11 settle_queue_survives_restart: receipts that were not settled are settled by the next start', async () => {
    const running = await startNode()
    const { client, fetch, chain, restart } = running
    expect((await fetch(client.request(chatBody()))).status).toBe(200)
    expect((await fetch(client.request(chatBody()))).status).toBe(200)
    expect(chain.settlements).toEqual([])
    const after = await restart()
    await after.node.drain()
    expect(chain.channels.get(client.channelId)?.spent).toBe(80n)
    // The one that crashed knows nothing of it; nobody pays twice.
    await running.node.drain()
    expect(chain.channels.get(client.channelId)?.spent).toBe(80n)
  })
})
