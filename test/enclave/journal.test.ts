import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { SETTLE_WINDOW_S, type Hex, type RequestAuth } from '@jeju/verifier/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import type { SettlementItem } from '../../enclave/src/chain/node-chain.ts'
import { decodeEntry, encodeEntry } from '../../enclave/src/payment/journal-entry.ts'
import { openJournal } from '../../enclave/src/payment/journal.ts'
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

describe('the journal', () => {
  test('N9 N11 remembers across a restart what was taken, owed and settled', async () => {
    const folder = await temporaryFolder()
    const { now } = new TestClock()
    const first = await openJournal(folder, now)
    for (const nonce of [1n, 2n, 3n]) await first.start(hashOf(nonce), authOf(nonce))
    await first.finish(itemOf(authOf(2n)), 40n)
    await first.finish(itemOf(authOf(3n)), 40n)
    await first.settled(hashOf(3n), 'paid')
    expect(first.reserved(CHANNEL)).toBe(100n + 40n + 40n)
    await first.close()

    const second = await openJournal(folder, now)
    expect(second.unsettled()).toEqual([itemOf(authOf(2n))])
    // What was running is burned and reserves nothing; what is owed still does.
    expect(second.reserved(CHANNEL)).toBe(40n)
    for (const nonce of [1n, 2n, 3n]) {
      expect(await second.start(hashOf(nonce), authOf(nonce))).toBe(false)
    }
    expect(await second.start(hashOf(4n), authOf(4n))).toBe(true)
    await second.close()
  })

  test('P32 a nonce of a channel is taken once, whatever else the authorisation says', async () => {
    const journal = await openJournal(await temporaryFolder(), new TestClock().now)
    await journal.start(hashOf(1n), authOf(1n))
    expect(journal.knows(digestOf('another'), authOf(1n, { maxFee: 1n }))).toBe(true)
    expect(journal.knows(digestOf('another'), authOf(1n, { channelId: digestOf('c2') }))).toBe(
      false,
    )
    await journal.close()
  })

  test('the answer to start comes after the line is on disk', async () => {
    const folder = await temporaryFolder()
    const journal = await openJournal(folder, new TestClock().now)
    await journal.start(hashOf(1n), authOf(1n))
    expect(await readFile(join(folder, 'journal.jsonl'), 'utf8')).toContain(hashOf(1n))
    await journal.close()
  })

  test('N9 a torn last line is dropped, anything else that is not ours refuses the start', async () => {
    const folder = await temporaryFolder()
    const file = join(folder, 'journal.jsonl')
    const { now } = new TestClock()
    const journal = await openJournal(folder, now)
    await journal.start(hashOf(1n), authOf(1n))
    await journal.close()
    const good = await readFile(file, 'utf8')
    await appendFile(file, good.slice(0, 50))
    const reopened = await openJournal(folder, now)
    expect(reopened.knows(hashOf(1n), authOf(1n))).toBe(true)
    await reopened.close()

    const line = good.trimEnd()
    const bad = [
      '',
      'hello',
      'null',
      line.slice(0, 50),
      line.replace('started', 'begun'),
      line.replace(/"maxFee":"[0-9]+"/, '"maxFee":100'),
      line.replace(/"maxFee":"[0-9]+"/, '"maxFee":"-1"'),
      line.replace('"nonce"', '"extra":1,"nonce"'),
      line.replace('"authHash":"0x', '"authHash":"'),
    ]
    for (const text of bad) {
      await writeFile(file, `${text}\n${good}`)
      await expect(openJournal(folder, now)).rejects.toMatchObject({ code: 'JOURNAL_CORRUPT' })
    }
  })

  test('S6 startup_bounded_by_live_set: the file holds what matters, not what ever happened', async () => {
    const folder = await temporaryFolder()
    const clock = new TestClock()
    const journal = await openJournal(folder, clock.now)
    const lines = async (): Promise<number> =>
      (await readFile(join(folder, 'journal.jsonl'), 'utf8')).split('\n').length - 1
    const validUntil = BigInt(Math.floor(clock.now().getTime() / 1000)) + 600n
    await journal.start(hashOf(0n), authOf(0n, { validUntil }))
    for (let nonce = 1n; nonce <= 3n; nonce++) {
      await journal.start(hashOf(nonce), authOf(nonce, { validUntil }))
      await journal.finish(itemOf(authOf(nonce, { validUntil })), 40n)
      await journal.settled(hashOf(nonce), 'paid')
    }
    expect(await lines()).toBe(10)
    await journal.close()
    const second = await openJournal(folder, clock.now)
    expect(await lines()).toBe(4)
    await second.close()
    clock.pass(600 + Number(SETTLE_WINDOW_S) + 2)
    const third = await openJournal(folder, clock.now)
    expect(await lines()).toBe(0)
    await third.close()
  })

  test('S6 a journal that is never closed is compacted while it runs, and loses nothing', async () => {
    const folder = await temporaryFolder()
    const clock = new TestClock()
    const journal = await openJournal(folder, clock.now)
    const starts: Promise<boolean>[] = []
    for (let nonce = 0n; nonce < 900n; nonce++) {
      starts.push(journal.start(hashOf(nonce), authOf(nonce)))
    }
    await Promise.all(starts)
    for (let round = 0; round < 4; round++) {
      const settles: Promise<void>[] = []
      for (let nonce = 0n; nonce < 899n; nonce++) {
        settles.push(journal.settled(hashOf(nonce), 'not_served'))
      }
      await Promise.all(settles)
    }
    await journal.finish(itemOf(authOf(899n)), 40n)
    await journal.close()
    const text = await readFile(join(folder, 'journal.jsonl'), 'utf8')
    expect(text.split('\n').length).toBeLessThan(4096)
    const second = await openJournal(folder, clock.now)
    expect(second.unsettled()).toEqual([itemOf(authOf(899n))])
    expect(second.knows(hashOf(5n), authOf(5n))).toBe(true)
    await second.close()
  })

  test('S6 a journal that is never closed forgets what has expired', async () => {
    const folder = await temporaryFolder()
    const clock = new TestClock()
    const journal = await openJournal(folder, clock.now)
    const serve = async (from: bigint, count: bigint): Promise<void> => {
      const served: Promise<void>[] = []
      const validUntil = BigInt(Math.floor(clock.now().getTime() / 1000)) + 600n
      for (let nonce = from; nonce < from + count; nonce++) {
        const auth = authOf(nonce, { validUntil })
        const request = async (): Promise<void> => {
          await journal.start(hashOf(nonce), auth)
          await journal.finish(itemOf(auth), 40n)
          await journal.settled(hashOf(nonce), 'paid')
        }
        served.push(request())
      }
      await Promise.all(served)
    }
    // Three lines a request, as it is when everything goes well.
    await serve(0n, 1_000n)
    clock.pass(600 + Number(SETTLE_WINDOW_S) + 2)
    await serve(1_000n, 1_000n)
    expect(journal.knows(hashOf(5n), authOf(5n))).toBe(false)
    expect(journal.knows(hashOf(1_005n), authOf(1_005n))).toBe(true)
    const text = await readFile(join(folder, 'journal.jsonl'), 'utf8')
    expect(text).not.toContain(hashOf(5n))
    expect(text.split('\n').length).toBeLessThan(4096)
    await journal.close()
  })

  test('N2 a journal whose disk has failed takes and owes nothing more, and does not grow', async () => {
    const journal = await openJournal(await temporaryFolder(), new TestClock().now)
    await journal.start(hashOf(1n), authOf(1n))
    await journal.start(hashOf(2n), authOf(2n))
    await journal.close()
    await expect(journal.finish(itemOf(authOf(1n)), 40n)).rejects.toThrow('file closed')
    for (let nonce = 3n; nonce < 9n; nonce++) {
      await expect(journal.start(hashOf(nonce), authOf(nonce))).rejects.toThrow('file closed')
      expect(journal.knows(hashOf(nonce), authOf(nonce))).toBe(false)
    }
    await expect(journal.finish(itemOf(authOf(2n)), 40n)).rejects.toThrow('file closed')
    expect(journal.unsettled()).toEqual([itemOf(authOf(1n))])
    expect(journal.reserved(CHANNEL)).toBe(40n + 100n)
  })

  test('decode(encode(entry)) is the entry', () => {
    const hex = (bytes: number): fc.Arbitrary<Hex> =>
      fc
        .uint8Array({ minLength: bytes, maxLength: bytes })
        .map((value): Hex => `0x${Buffer.from(value).toString('hex')}`)
    const uint = (bits: number): fc.Arbitrary<bigint> =>
      fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) - 1n })
    const auth = fc.record({
      channelId: hex(32),
      nonce: uint(256),
      bindingId: hex(32),
      requestHash: hex(32),
      maxFee: uint(128),
      validUntil: uint(64),
    })
    const receipt = fc.record({
      authHash: hex(32),
      responseHash: hex(32),
      inputTokens: fc.nat(),
      outputTokens: fc.nat(),
      finish: fc.nat(4),
      issuedAt: uint(64),
    })
    const item = fc.record({ auth, authSig: hex(65), receipt, receiptSig: hex(65) })
    const entry = fc.oneof(
      fc.record({ type: fc.constant('started' as const), authHash: hex(32), auth }),
      fc.record({ type: fc.constant('finished' as const), item, fee: uint(128) }),
      fc.record({ type: fc.constant('settled' as const), authHash: hex(32), status: fc.string() }),
    )
    fc.assert(
      fc.property(entry, (value) => {
        const line = encodeEntry(value)
        expect(line.indexOf('\n')).toBe(line.length - 1)
        expect(decodeEntry(line.trimEnd(), 1)).toEqual(value)
      }),
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
    const file = join(stateDir, 'journal.jsonl')
    const before = await readFile(file)
    const signed = client.sign(chatBody())
    expect((await fetch(client.request(chatBody(), signed))).status).toBe(200)
    await running.node.drain()
    await writeFile(file, before)
    const after = await restart()
    expect(await errorOf(await after.fetch(client.request(chatBody(), signed)))).toMatchObject({
      status: 409,
      code: 'authorization_already_used',
    })
    expect(after.engine.requests).toEqual([])
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
