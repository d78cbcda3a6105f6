import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { addressOf, toHex } from '@jeju/verifier/protocol'
import { createLogger } from '../../gateway/src/logging.ts'
import {
  lockingBudget,
  openChannels,
  SponsorError,
} from '../../gateway/src/sponsor/own-channels.ts'
import { createEmbeddedState } from '../../gateway/src/state/embedded-state.ts'
import { StateError } from '../../gateway/src/state/shared-state.ts'
import { openStore } from '../../gateway/src/store/libsql-store.ts'
import { deployment } from './network/deployment.ts'
import { LIMITS } from './network/test-network.ts'

const KEY = new Uint8Array(32).fill(0x42)

describe('the key of the paying wallet', () => {
  test('is read from a file of its own', async () => {
    expect((await open(toHex(KEY), 0o600)).wallet).toBe(addressOf(KEY))
    expect((await open(`${toHex(KEY).slice(2)}\n`, 0o400)).wallet).toBe(addressOf(KEY))
  })

  test.each([
    ['that others may read', toHex(KEY), 0o640, 'expected mode 600'],
    ['without a key', 'secret-words', 0o600, 'expected a secp256k1 private key'],
    ['with a number that is no key', '0'.repeat(64), 0o600, 'expected a secp256k1 private key'],
  ])('not from one %s; what is in it is never said', async (_name, text, mode, message) => {
    const refusal: unknown = await open(text, mode).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(SponsorError)
    expect(String(refusal)).toContain(message)
    expect(String(refusal)).not.toContain(text.slice(2))
  })

  test('nor from one that is not there, nor with a folder that others may enter', async () => {
    await expect(open(undefined, 0o600)).rejects.toThrow('cannot be read')
    await expect(open(toHex(KEY), 0o600, 0o755)).rejects.toThrow('expected mode 700')
  })
})

describe('what may be locked in a day', () => {
  const DAY_MS = 24 * 3600_000

  test('is a limit, given back to the day it was taken on', async () => {
    let nowMs = Math.floor(Date.now() / DAY_MS) * DAY_MS + DAY_MS - 1
    const now = (): Date => new Date(nowMs)
    const shared = createEmbeddedState(openStore(':memory:', 'test'), LIMITS.wallet, now)
    const budget = lockingBudget({ settings: { lockedPerDay: 10n }, shared, now })
    const first = await budget.take(6n, 1n)
    expect(first.amount).toBe(6n)
    // As much as is wanted, or as little as is needed.
    expect((await budget.take(6n, 1n)).amount).toBe(1n)
    await expect(budget.take(6n, 4n)).rejects.toMatchObject({ code: 'BUDGET_EXHAUSTED' })
    nowMs += 1
    expect((await budget.take(9n, 9n)).amount).toBe(9n)
    first.giveBack()
    await expect(budget.take(2n, 2n)).rejects.toMatchObject({ code: 'BUDGET_EXHAUSTED' })
  })

  test('is nothing while it cannot be counted', async () => {
    const away = (): Promise<never> => Promise.reject(new StateError('away'))
    const shared = { budgets: { reserve: away, giveBack: away } }
    const now = (): Date => new Date()
    const budget = lockingBudget({ settings: { lockedPerDay: 10n }, shared, now })
    await expect(budget.take(1n, 1n)).rejects.toMatchObject({ code: 'BUDGET_EXHAUSTED' })
  })
})

function open(
  key: string | undefined,
  mode: number,
  folderMode = 0o700,
): ReturnType<typeof openChannels> {
  const folder = mkdtempSync(join(tmpdir(), 'jeju-sponsor-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  chmodSync(folder, folderMode)
  const keyFile = join(folder, 'key')
  if (key !== undefined) writeFileSync(keyFile, key)
  if (key !== undefined) chmodSync(keyFile, mode)
  const store = openStore(':memory:', 'test')
  const now = (): Date => new Date()
  return openChannels({
    settings: {
      keyFile,
      folder,
      channels: 'receipts',
      channelAmount: 1n,
      lockedPerDay: 1n,
      maxFeePerRequest: 1n,
      accountsFile: undefined,
    },
    rpcUrls: ['http://127.0.0.1:1'],
    deployment,
    shared: createEmbeddedState(store, LIMITS.wallet, now),
    fees: store.fees,
    logger: createLogger('silent'),
    now,
  })
}
