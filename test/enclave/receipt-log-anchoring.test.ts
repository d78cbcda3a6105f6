import { afterAll, describe, expect, test } from 'vitest'
import { sha256, toHex, utf8, ZERO_DIGEST, type Hex } from '@jeju/verifier/protocol'
import { createArchiveQueue } from '../../enclave/src/archive/archive-queue.ts'
import { ChainError } from '../../enclave/src/chain/node-chain.ts'
import { createLogger } from '../../enclave/src/logging.ts'
import { createMetrics, type Metrics } from '../../enclave/src/metrics.ts'
import { insertLogged } from '../../enclave/src/receipt-log/log-rows.ts'
import { createReceiptLog, type ReceiptLog } from '../../enclave/src/receipt-log/receipt-log.ts'
import { openStore, type Store } from '../../enclave/src/storage/store.ts'
import { deployment } from './setting/deployment.ts'
import { cleanUp, temporaryFolder, TestClock } from './setting/start-node.ts'
import { TestLogChain } from './setting/test-log-chain.ts'

afterAll(cleanUp)

const HOUR_S = 3_600
const DAY_S = 24 * HOUR_S
const BINDING: Hex = `0x${'b1'.repeat(32)}`
const OTHER: Hex = `0x${'b2'.repeat(32)}`

interface Setting {
  readonly log: ReceiptLog
  readonly chain: TestLogChain
  readonly store: Store
  readonly clock: TestClock
  readonly metrics: Metrics
  /** A receipt of that name is in the log. */
  enter(name: string, bindingId?: Hex): Promise<void>
  /** An hour passes, and what it makes due is done, as often as it takes. */
  passHour(): Promise<void>
}

async function openLog(kept: Partial<Setting> = {}): Promise<Setting> {
  const store = kept.store ?? (await openStore(await temporaryFolder()))
  const clock = kept.clock ?? new TestClock()
  const chain = kept.chain ?? new TestLogChain(clock.now)
  const metrics = createMetrics([], { admitted: () => 0, underWay: () => 0, waiting: () => 0 })
  const shared = { store, metrics, logger: createLogger('silent'), now: clock.now }
  const log = createReceiptLog({
    ...shared,
    chain,
    queue: createArchiveQueue({ ...shared, archive: undefined, tags: [] }),
    roots: { chainId: 31337n, verifyingContract: deployment.receiptRoots },
    agentId: 0n,
    signer: `0x${'51'.repeat(20)}`,
    epochS: HOUR_S,
    confirmations: 1,
  })
  return {
    log,
    chain,
    store,
    clock,
    metrics,
    enter: async (name, bindingId = BINDING) => {
      const commitment = toHex(sha256(utf8(name)))
      const madeAt = Math.floor(clock.now().getTime() / 1000)
      const secrets = { salt: ZERO_DIGEST, credential: name }
      await store.write([
        insertLogged({ receiptId: commitment, bindingId, commitment, ...secrets, madeAt }),
      ])
    },
    passHour: async () => {
      clock.pass(HOUR_S)
      for (let times = 0; times < 4; times++) await log.work()
    },
  }
}

/** Whether the chain has what the receipt's row says, or why not. */
async function standing({ log }: Setting, name: string): Promise<'proven' | 'open'> {
  const found = await log.find(toHex(sha256(utf8(name))))
  return (await found?.prove()) === undefined ? 'open' : 'proven'
}

describe('a log that cannot be anchored', () => {
  test('off_or_out_of_gas_for_weeks_blocks_nothing: the epoch of then is anchored when the binding is granted again', async () => {
    const setting = await openLog()
    const { chain, clock, enter, passHour } = setting
    chain.ended.add(BINDING)
    await enter('before')
    await passHour()
    clock.pass(30 * DAY_S)
    await passHour()
    expect(chain.epochs.size).toBe(0)
    chain.ended.clear()
    await enter('after')
    await passHour()
    expect(chain.epochs.get(BINDING)?.map(({ epoch }) => epoch)).toEqual([0, 1])
    expect(await standing(setting, 'before')).toBe('proven')
    expect(await standing(setting, 'after')).toBe('proven')
  })

  test('mined_but_unconfirmed_for_weeks: its receipts are proven all the same', async () => {
    const setting = await openLog()
    const { chain, clock, enter, passHour } = setting
    await enter('one')
    const { block } = chain
    clock.pass(HOUR_S)
    await setting.log.work()
    expect(chain.epochs.get(BINDING)).toHaveLength(1)
    chain.block = block - 1n
    await passHour()
    expect(await standing(setting, 'one')).toBe('open')
    clock.pass(30 * DAY_S)
    chain.block = block + 10n
    await passHour()
    expect(await standing(setting, 'one')).toBe('proven')
  })

  test('a binding that ended for good keeps no other waiting', async () => {
    const setting = await openLog()
    const { chain, enter, passHour } = setting
    chain.ended.add(BINDING)
    await enter('of the dead')
    await enter('of the living', OTHER)
    await passHour()
    expect(await standing(setting, 'of the living')).toBe('proven')
    await enter('later', OTHER)
    await passHour()
    expect(await standing(setting, 'later')).toBe('proven')
  })
})

describe('an epoch that is in no block', () => {
  test('stuck_anchor_survives_restart: what was sent is known to the next life, which sends it in the same place', async () => {
    const setting = await openLog()
    const { chain, store, enter, clock, passHour } = setting
    chain.losesTransactions = true
    await enter('one')
    await passHour()
    expect(chain.nonces).toEqual([0])
    const again = await openLog({ store, chain, clock })
    await again.log.work()
    expect(chain.nonces).toEqual([0])
    clock.pass(121)
    await again.log.work()
    expect(chain.nonces).toEqual([0, 0])
  })

  test('waits without a failure while another transaction is under way', async () => {
    const setting = await openLog()
    const { chain, enter, passHour, metrics } = setting
    chain.busy = true
    await enter('one')
    await passHour()
    expect(chain.sent).toBe(0)
    expect(await metrics.text()).not.toContain('event="failed"')
    chain.busy = false
    await passHour()
    expect(await standing(setting, 'one')).toBe('proven')
  })
})

describe('old rows', () => {
  async function rowsOf({ store }: Setting): Promise<readonly number[]> {
    const counts: number[] = []
    for (const table of ['log_receipts', 'log_epochs', 'archived']) {
      const [row] = await store.all(`SELECT count(*) AS count FROM ${table}`)
      counts.push(Number(row?.['count']))
    }
    return counts
  }

  test('S6 unanchorable_log_is_bounded: what no chain takes in half a year is given up, and counted', async () => {
    const setting = await openLog()
    const { chain, clock, enter, passHour, metrics } = setting
    chain.ended.add(BINDING)
    await enter('closed')
    await passHour()
    clock.pass(181 * DAY_S)
    const later = await openLog(setting)
    await later.log.work()
    expect(await rowsOf(setting)).toEqual([0, 0, 0])
    expect(await later.metrics.text()).toContain('{of="receipt",event="given_up"} 1')
    expect(await metrics.text()).toContain('{of="receipt",event="given_up"} 0')
  })

  test('S6 anchored_log_is_bounded: the newest epoch stays of it, and the next follows', async () => {
    const setting = await openLog()
    const { chain, clock, enter, passHour, store } = setting
    for (const name of ['one', 'two', 'three']) {
      await enter(name)
      await passHour()
    }
    const values = [`0x${'01'.repeat(32)}`]
    const sql = `INSERT INTO archived (locator, digest, state, attempts, due_at_ms, stored_at_ms)
      VALUES ('ar:', ?, 'kept', 0, 1, 1)`
    await store.write([{ sql, values }])
    clock.pass(31 * DAY_S)
    const later = await openLog(setting)
    await later.log.work()
    expect(await rowsOf(setting)).toEqual([0, 1, 0])
    await enter('four')
    await later.passHour()
    expect(chain.epochs.get(BINDING)?.map(({ epoch }) => epoch)).toEqual([0, 1, 2, 3])
  })
})

describe('an epoch that cannot be closed', () => {
  test('failing_token_uri_denies_no_receipt: the operator’s own URI is no part of what is anchored', async () => {
    const setting = await openLog()
    const { chain, enter, passHour } = setting
    chain.agentUri = () => Promise.reject(new ChainError('CHAIN_REFUSED', 'refused: no reason'))
    await enter('one')
    await passHour()
    expect(await standing(setting, 'one')).toBe('proven')
  })

  test('keeps none that was closed before from being anchored', async () => {
    const setting = await openLog()
    const { chain, clock, enter, passHour, log } = setting
    chain.losesTransactions = true
    await enter('closed')
    await passHour()
    chain.losesTransactions = false
    const honest = chain.log.bind(chain)
    const down = new ChainError('CHAIN_UNAVAILABLE', 'HTTP request failed.')
    await enter('open')
    clock.pass(HOUR_S)
    let asked = 0
    // Closing asks first, in each round.
    chain.log = (bindingId) => (asked++ % 2 === 0 ? Promise.reject(down) : honest(bindingId))
    await log.work()
    await log.work()
    expect(await standing(setting, 'closed')).toBe('proven')
    expect(await standing(setting, 'open')).toBe('open')
  })
})

describe('a chain that has less than was believed', () => {
  test('reorg_after_confirmation: the epoch is sent again under its own number', async () => {
    const setting = await openLog()
    const { chain, enter, passHour } = setting
    await enter('one')
    await passHour()
    expect(await standing(setting, 'one')).toBe('proven')
    const [root] = (chain.epochs.get(BINDING) ?? []).map((epoch) => epoch.root)
    chain.epochs.clear()
    await enter('two')
    await passHour()
    await passHour()
    const log = chain.epochs.get(BINDING) ?? []
    expect(log.map(({ epoch, previous }) => ({ epoch, previous }))).toEqual([
      { epoch: 0, previous: ZERO_DIGEST },
      { epoch: 1, previous: root },
    ])
    expect(log[0]?.root).toBe(root)
    expect(await standing(setting, 'two')).toBe('proven')
  })

  test('false_epoch_count_blocks_nothing: receipts that took a number too high take the free one', async () => {
    const setting = await openLog()
    const { chain, enter, passHour } = setting
    const lie = { epochs: 7, lastRoot: `0x${'ff'.repeat(32)}` } as const
    const honest = chain.log.bind(chain)
    let lies = 1
    chain.log = (bindingId) => (lies-- > 0 ? Promise.resolve(lie) : honest(bindingId))
    await enter('one')
    await passHour()
    await passHour()
    expect(chain.epochs.get(BINDING)?.map(({ epoch }) => epoch)).toEqual([0])
    expect(await standing(setting, 'one')).toBe('proven')
  })
})
