import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { toHex, randomBytes32 } from '@jeju/verifier/protocol'
import { createLogger } from '../../gateway/src/logging.ts'
import { createEmbeddedState } from '../../gateway/src/state/embedded-state.ts'
import { connectRedis } from '../../gateway/src/state/redis-state.ts'
import {
  MAX_BUDGET,
  StateError,
  type SharedState,
  type WalletLimit,
} from '../../gateway/src/state/shared-state.ts'
import { openStore } from '../../gateway/src/store/libsql-store.ts'
import { haveRedis, startRedis, type RedisServer } from '../servers/redis.ts'

const LIMIT: WalletLimit = { requestsPerMinute: 3, concurrent: 2 }
const log: string[] = []
const logger = createLogger('info', { write: (line) => void log.push(line) })
const KEEPS_AT_ONCE = [
  '--appendonly',
  'yes',
  '--appendfsync',
  'always',
  '--maxmemory-policy',
  'noeviction',
]
let server: RedisServer

beforeAll(async () => {
  if (haveRedis) server = await startRedis()
})
afterAll(async () => {
  if (haveRedis) await server.process.stop()
})

let prefixes = 0
const prefix = (): string => `jeju:test:${prefixes++}`

/** A replica that is connected; gone when the test is over. */
async function replica(name: string, url = server.url): Promise<SharedState> {
  const state = connectRedis({ url, prefix: name, limit: LIMIT, evidenceMs: 60_000, logger })
  onTestFinished(() => state.close())
  await expect
    .poll(() =>
      state.once('ready?', Date.now() + 9_000).then(
        () => true,
        () => false,
      ),
    )
    .toBe(true)
  return state
}

const kinds: readonly (readonly [
  string,
  boolean,
  () => Promise<readonly [SharedState, SharedState]>,
])[] = [
  [
    'alone',
    true,
    async () => {
      const state = createEmbeddedState(openStore(':memory:', 'test'), LIMIT, () => new Date())
      return [state, state]
    },
  ],
  [
    'through Redis',
    haveRedis,
    async () => {
      const name = prefix()
      return [await replica(name), await replica(name)]
    },
  ],
]

describe.each(kinds.filter(([, there]) => there))('what is shared, %s', (_name, _there, open) => {
  const at = new Date()
  const spending = { account: 'alice', limit: 10n ** 18n, at }

  test('N3 parallel_requests_cannot_overspend: a budget is taken all or nothing, by whoever asks', async () => {
    const [a, b] = await open()
    const asked = Array.from({ length: 50 }, (_, index) =>
      (index % 2 === 0 ? a : b).budgets.reserve({ ...spending, amount: 10n ** 17n }),
    )
    expect((await Promise.all(asked)).filter(Boolean)).toHaveLength(10)
    await b.budgets.giveBack({ ...spending, amount: 10n ** 17n })
    expect(await a.budgets.reserve({ ...spending, amount: 10n ** 17n + 1n })).toBe(false)
    expect(await a.budgets.reserve({ ...spending, amount: 10n ** 17n })).toBe(true)
  })

  test('a budget is exact to the last unit, of one account and one day', async () => {
    const [a] = await open()
    const limit = MAX_BUDGET
    expect(await a.budgets.reserve({ ...spending, limit, amount: MAX_BUDGET - 1n })).toBe(true)
    expect(await a.budgets.reserve({ ...spending, limit, amount: 1n })).toBe(true)
    const other = { ...spending, account: 'bob', limit: 1n }
    expect(await a.budgets.reserve({ ...other, amount: 2n })).toBe(false)
    expect(await a.budgets.reserve({ ...other, amount: 1n })).toBe(true)
    const tomorrow = new Date(at.getTime() + 24 * 3600_000)
    expect(await a.budgets.reserve({ ...other, at: tomorrow, amount: 1n })).toBe(true)
  })

  test('no more is given back than was taken', async () => {
    const [a] = await open()
    await a.budgets.giveBack({ ...spending, amount: 5n })
    expect(await a.budgets.reserve({ ...spending, limit: 3n, amount: 3n })).toBe(true)
    await a.budgets.giveBack({ ...spending, amount: 5n })
    expect(await a.budgets.reserve({ ...spending, limit: 3n, amount: 4n })).toBe(false)
  })

  test('N7 requests of a wallet are counted together, a minute’s and those under way', async () => {
    const [a, b] = await open()
    const [first, second] = [await a.enter('0xaa'), await b.enter('0xaa')]
    expect(await a.enter('0xaa')).toMatchObject({ entered: false, because: 'concurrency' })
    expect(await a.enter('0xbb')).toMatchObject({ entered: true })
    for (const one of [first, second]) if (one.entered) one.leave()
    await expect
      .poll(async () => {
        const third = await b.enter('0xaa')
        if (third.entered) third.leave()
        return third.entered
      })
      .toBe(true)
    const refused = await a.enter('0xaa')
    expect(refused).toMatchObject({ entered: false, because: 'rate' })
    if (!refused.entered) expect(refused.waitMs).toBeGreaterThan(10_000)
  })

  test('a name is used once', async () => {
    const [a, b] = await open()
    const until = Date.now() + 60_000
    const taken = await Promise.all([a, b, a, b].map((state) => state.once('nonce', until)))
    expect(taken.filter(Boolean)).toHaveLength(1)
    expect(await b.once('another', until)).toBe(true)
  })
})

describe.runIf(haveRedis)('a shared store', () => {
  test('of another deployment shares nothing', async () => {
    const [a, b] = [await replica(prefix()), await replica(prefix())]
    const until = Date.now() + 60_000
    expect([await a.once('x', until), await b.once('x', until)]).toEqual([true, true])
  })

  test('holds keys that all expire, and only what they are named for', async () => {
    const { createClient } = await import('@redis/client')
    const client = createClient({ url: server.url })
    await client.connect()
    onTestFinished(() => client.destroy())
    const name = prefix()
    const a = await replica(name)
    await a.enter('0xaa')
    await a.budgets.reserve({ account: 'alice', amount: 1n, limit: 2n, at: new Date() })
    const bindingId = toHex(randomBytes32())
    await a.distrusted.put(bindingId, Date.now() + 60_000)
    const shared = {
      agentId: 4n,
      askedAtMs: 17,
      salt: toHex(randomBytes32()),
      evidence: randomBytes32(),
    }
    await a.evidence.publish(shared)
    const keys = (await client.keys('*')).filter((key) => key.startsWith(name))
    expect(
      keys.map((key) => key.slice(name.length).replace(/\d{4}-\d\d-\d\d/, '')).toSorted(),
    ).toEqual([
      ':budget:{alice}:',
      ':distrusted',
      ':evidence:4',
      ':rate:{0xaa}',
      ':under-way:{0xaa}',
      ':used:ready?',
    ])
    for (const key of keys) expect(await client.pTTL(key)).toBeGreaterThan(0)
    expect(await a.evidence.find(4n)).toEqual(shared)
    expect(await a.distrusted.all()).toEqual(new Map([[bindingId, expect.any(Number)]]))
    for (const text of [
      '',
      'null',
      '{}',
      '{"askedAtMs":1,"salt":"0x00","evidence":""}',
      'x'.repeat(9),
    ]) {
      await client.set(`${name}:evidence:4`, text)
      expect(await a.evidence.find(4n)).toBeUndefined()
    }
  })

  test('that is gone says so at once, and is found again when it is back', async () => {
    const own = await startRedis()
    const a = await replica(prefix(), own.url)
    await own.process.kill()
    await expect(a.once('x', Date.now() + 60_000)).rejects.toBeInstanceOf(StateError)
    const spending = { account: 'alice', amount: 1n, limit: 2n, at: new Date() }
    await expect(a.budgets.reserve(spending)).rejects.toBeInstanceOf(StateError)
    const again = await startRedis(own.port)
    onTestFinished(() => again.process.stop())
    await expect
      .poll(() => a.budgets.reserve({ ...spending, limit: 1_000n }).catch(() => false), {
        timeout: 15_000,
      })
      .toBe(true)
    expect(log.join('')).toContain('the shared store is away')
  })

  test('store_restarts_in_flight: what ended while it was away holds no place of its wallet', async () => {
    const own = await startRedis(undefined, [...KEEPS_AT_ONCE])
    const a = await replica(prefix(), own.url)
    const [first, second] = [await a.enter('0xcc'), await a.enter('0xcc')]
    if (!first.entered || !second.entered) throw new Error('two places')
    await own.process.kill()
    first.leave()
    const again = await startRedis(own.port, [...KEEPS_AT_ONCE], own.folder)
    onTestFinished(() => again.process.stop())
    await expect
      .poll(() => a.enter('0xcc').catch(() => undefined), { timeout: 15_000 })
      .toMatchObject({ entered: true })
    // The other has not ended, and was not forgotten.
    expect(await a.enter('0xcc')).toMatchObject({ entered: false, because: 'concurrency' })
  })

  test.each([
    ['keeps nothing', ['--appendonly', 'no']],
    ['makes room', ['--appendonly', 'yes', '--maxmemory-policy', 'allkeys-lru']],
  ])('data_loss_fails_open: one that %s counts no money', async (_name, settings) => {
    const own = await startRedis(undefined, settings)
    onTestFinished(() => own.process.stop())
    const options = { url: own.url, prefix: prefix(), limit: LIMIT, evidenceMs: 60_000, logger }
    const a = connectRedis(options)
    onTestFinished(() => a.close())
    await expect.poll(() => a.enter('0xaa').catch(() => undefined)).toMatchObject({ entered: true })
    const spending = { account: 'alice', amount: 1n, limit: 2n, at: new Date() }
    await expect(a.budgets.reserve(spending)).rejects.toThrow('may forget')
    await expect(a.once('x', Date.now() + 60_000)).rejects.toThrow('may forget')
  })

  test('replicas_take_each_others_nonce: what is done alone is done by one at a time', async () => {
    const name = prefix()
    const [a, b] = [await replica(name), await replica(name)]
    const steps: string[] = []
    const turn = async (): Promise<void> => {
      steps.push('begin')
      await delay(30)
      steps.push('end')
    }
    await Promise.all([a.alone('wallet', turn), b.alone('wallet', turn)])
    expect(steps).toEqual(['begin', 'end', 'begin', 'end'])
    const failing = a.alone('wallet', () => Promise.reject(new Error('failed')))
    await expect(failing).rejects.toThrow('failed')
    expect(await b.alone('wallet', async () => 1)).toBe(1)
  })

  test('that hangs is as good as gone', async () => {
    const own = await startRedis()
    const a = await replica(prefix(), own.url)
    const { pid } = own.process
    if (pid === undefined) throw new Error('a process')
    process.kill(pid, 'SIGSTOP')
    onTestFinished(() => own.process.kill())
    await expect(a.once('x', Date.now() + 60_000)).rejects.toBeInstanceOf(StateError)
  })
})
