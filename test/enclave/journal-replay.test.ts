import fc from 'fast-check'
import { SETTLE_WINDOW_S, type Hex, type RequestAuth } from '@jeju/verifier/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import { RELEASE_DELAY_MS } from '../../enclave/src/payment/journal-state.ts'
import { openJournal, type Journal } from '../../enclave/src/payment/journal.ts'
import { openStore, type Store } from '../../enclave/src/storage/store.ts'
import { itemOf } from './setting/journal.ts'
import { cleanUp, temporaryFolder } from './setting/start-node.ts'
import { digestOf } from './setting/test-client.ts'

afterAll(cleanUp)

const START_MS = 1_800_000_000_000
const LIFE_S = 600n
const CHANNELS: readonly Hex[] = [digestOf('channel one'), digestOf('channel two')]
const MAX_FEE = 100n
const FEE = 40n

const hashOf = ({ channelId, nonce }: RequestAuth): Hex => digestOf(`${channelId} ${nonce}`)

function authOf(channel: number, nonce: number, nowMs: number): RequestAuth {
  return {
    channelId: CHANNELS[channel] ?? '0x',
    nonce: BigInt(nonce),
    bindingId: digestOf('binding'),
    requestHash: digestOf('request'),
    maxFee: MAX_FEE,
    validUntil: BigInt(Math.floor(nowMs / 1000)) + LIFE_S,
  }
}

/** What the journal should say, kept the plainest way. */
interface Expected {
  readonly auth: RequestAuth
  state: 'started' | 'finished' | 'burned'
  paidAtMs?: number
}

function reservedOf(model: ReadonlyMap<Hex, Expected>, channelId: Hex, nowMs: number): bigint {
  let sum = 0n
  for (const { auth, state, paidAtMs } of model.values()) {
    if (auth.channelId !== channelId) continue
    if (state === 'started') sum += MAX_FEE
    if (state === 'finished') sum += FEE
    if (paidAtMs !== undefined && paidAtMs + RELEASE_DELAY_MS > nowMs) sum += FEE
  }
  return sum
}

function owedOf(model: ReadonlyMap<Hex, Expected>, channelId: Hex): bigint {
  let sum = 0n
  for (const { auth, state } of model.values()) {
    if (auth.channelId !== channelId) continue
    if (state === 'started') sum += MAX_FEE
    if (state === 'finished') sum += FEE
  }
  return sum
}

const place = { channel: fc.nat(1), nonce: fc.nat(4) }
const step = fc.oneof(
  fc.record({ do: fc.constant('start' as const), ...place }),
  fc.record({ do: fc.constant('finish' as const), ...place }),
  fc.record({ do: fc.constant('pay' as const), ...place }),
  fc.record({ do: fc.constant('abandon' as const), ...place }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1_000, 31_000, 300_000) }),
  fc.record({ do: fc.constant('restart' as const) }),
)

describe('the journal and a plain model of it', () => {
  test('N9 N11 agree after any history of requests, waits and restarts', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const folder = await temporaryFolder()
        let nowMs = START_MS
        const now = (): Date => new Date(nowMs)
        const model = new Map<Hex, Expected>()
        let store: Store = await openStore(folder)
        let journal: Journal = await openJournal(store, now)
        for (const next of steps) {
          if (next.do === 'wait') nowMs += next.ms
          else if (next.do === 'restart') {
            // Not closed, as after a crash: what a caller was told is on disk.
            const crashed = store
            store = await openStore(folder)
            journal = await openJournal(store, now)
            await crashed.close()
            for (const expected of model.values()) {
              if (expected.state === 'started') expected.state = 'burned'
              delete expected.paidAtMs
            }
          } else {
            const auth = authOf(next.channel, next.nonce, nowMs)
            const known = model.get(hashOf(auth))
            if (next.do === 'start') {
              expect(await journal.start(hashOf(auth), auth)).toBe(known === undefined)
              if (known === undefined) model.set(hashOf(auth), { auth, state: 'started' })
            } else if (next.do === 'finish' && known?.state === 'started') {
              await journal.finish(itemOf(known.auth, hashOf(known.auth)), FEE)
              known.state = 'finished'
            } else if (next.do === 'pay' && known?.state === 'finished') {
              const authHash = hashOf(auth)
              await journal.move([{ authHash, to: 'included' }])
              await journal.move([{ authHash, to: 'closed', status: 'paid' }])
              known.state = 'burned'
              known.paidAtMs = nowMs
            } else if (next.do === 'abandon' && known?.state === 'started') {
              await journal.abandon(hashOf(auth), 'not_served')
              known.state = 'burned'
            }
          }
          for (const channelId of CHANNELS) {
            expect(journal.reserved(channelId)).toBe(reservedOf(model, channelId, nowMs))
            expect(journal.owed(channelId)).toBe(owedOf(model, channelId))
          }
          const waiting = [...model.values()].filter(({ state }) => state === 'finished')
          expect(new Set(journal.waiting().map(({ item }) => item.receipt.authHash))).toEqual(
            new Set(waiting.map(({ auth }) => hashOf(auth))),
          )
          for (const [authHash, { auth }] of model) expect(journal.knows(authHash, auth)).toBe(true)
        }
        await store.close()
      }),
      { numRuns: 60 },
    )
  })
})

describe('a nonce', () => {
  test('P32 nonce_unique_under_load: of many starts of one nonce at once exactly one passes', async () => {
    const store = await openStore(await temporaryFolder())
    const journal = await openJournal(store, () => new Date(START_MS))
    const auth = authOf(0, 1, START_MS)
    const starts = Array.from({ length: 50 }, (_, index) =>
      journal.start(digestOf(`hash ${index}`), { ...auth, maxFee: BigInt(index + 1) }),
    )
    expect((await Promise.all(starts)).filter(Boolean)).toHaveLength(1)
    expect(journal.reserved(auth.channelId)).toBe(1n)
    await store.close()
  })

  test('K11 repeated_auth: refused for as long as it could be settled, and after a restart', async () => {
    const folder = await temporaryFolder()
    let nowMs = START_MS
    const now = (): Date => new Date(nowMs)
    const auth = authOf(0, 1, START_MS)
    const firstStore = await openStore(folder)
    const first = await openJournal(firstStore, now)
    await first.start(hashOf(auth), auth)
    await first.abandon(hashOf(auth), 'not_served')
    await firstStore.close()
    const lastMs = Number(auth.validUntil + SETTLE_WINDOW_S) * 1000
    nowMs = lastMs
    const secondStore = await openStore(folder)
    const second = await openJournal(secondStore, now)
    expect(await second.start(hashOf(auth), auth)).toBe(false)
    expect(second.knows(digestOf('another'), { ...auth, maxFee: 1n })).toBe(true)
    await secondStore.close()
    // From now on its date refuses it, so that the journal need not.
    nowMs = lastMs + 1_000
    const thirdStore = await openStore(folder)
    const third = await openJournal(thirdStore, now)
    expect(third.knows(hashOf(auth), auth)).toBe(false)
    await thirdStore.close()
  })
})
