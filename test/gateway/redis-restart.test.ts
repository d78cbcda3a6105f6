import { describe, expect, onTestFinished, test } from 'vitest'
import { createLogger } from '../../gateway/src/logging.ts'
import { connectRedis } from '../../gateway/src/state/redis-state.ts'
import type { SharedState } from '../../gateway/src/state/shared-state.ts'
import { haveRedis, startRedis } from '../servers/redis.ts'
import { payingNetwork, type PayingNetwork } from './network/paying-network.ts'
import { codeOf, LIMITS } from './network/test-network.ts'
import type { TestNode } from './network/test-node.ts'

// Two replicas under load, and a Redis that is killed and comes back with what it had kept.

const DURABLE = [
  ['--appendonly', 'yes'],
  ['--appendfsync', 'always'],
  ['--maxmemory-policy', 'noeviction'],
].flat()
/** What one prompt of an account costs at most, so that a budget is a number of prompts. */
const PRICE = 1n
const BUDGET = 40n

describe.runIf(haveRedis)('N3 store_restarts_in_flight', () => {
  test('prompts that pay for themselves go on, accounts wait, and no budget is exceeded', async () => {
    const first = await startRedis(undefined, DURABLE)
    const state = (): SharedState => {
      const shared = connectRedis({
        url: first.url,
        prefix: 'jeju:restart',
        limit: LIMITS.wallet,
        evidenceMs: 600_000,
        logger: createLogger('silent'),
      })
      onTestFinished(() => shared.close())
      return shared
    }
    const { replicas, node } = await twoOver(state)
    const ask = (at: number): Promise<Response> => replica(replicas, at).withKey()
    const own = (at: number): Promise<Response> => replica(replicas, at).ask(node.bindingId)
    const together = (count: number): Promise<readonly Response[]> =>
      Promise.all(Array.from({ length: count }, (_, at) => ask(at)))

    await expect.poll(async () => (await ask(0)).status, { timeout: 15_000 }).toBe(200)
    const before = await together(9)
    expect(before.map(({ status }) => status)).toEqual(before.map(() => 200))
    const inFlight = together(10)
    await first.process.kill()
    // Whatever became of those: they are answered or refused, and none hangs.
    const answered = (await inFlight).filter(({ status }) => status === 200).length
    const away = await ask(0)
    expect([away.status, await codeOf(away)]).toEqual([503, 'shared_state_unavailable'])
    for (const at of [0, 1]) expect((await own(at)).status).toBe(200)

    const second = await startRedis(first.port, DURABLE, first.folder)
    onTestFinished(() => second.process.stop())
    let served = 10 + answered
    await expect
      .poll(
        async () => {
          const { status } = await ask(1)
          if (status === 200) served++
          return status
        },
        { timeout: 15_000 },
      )
      .toBe(200)
    let last: Response | undefined
    for (let at = 0; at < 60; at++) {
      const response = await ask(at)
      if (response.status === 200) served++
      else last = response
    }
    expect(last && (await codeOf(last))).toBe('budget_exhausted')
    // What was taken and not answered for stays taken: never more than the budget, and little less.
    expect(served).toBeLessThanOrEqual(Number(BUDGET / PRICE))
    expect(served).toBeGreaterThanOrEqual(Number(BUDGET / PRICE) - 10)
  }, 60_000)
})

async function twoOver(
  state: () => SharedState,
): Promise<{ readonly replicas: readonly PayingNetwork[]; readonly node: TestNode }> {
  const a = payingNetwork({ budget: BUDGET, shared: state() })
  const node = a.add()
  const { chain, connection } = a
  const b = payingNetwork({ budget: BUDGET, shared: state(), chain, connection })
  for (const one of [a, b]) await one.update()
  return { replicas: [a, b], node }
}

function replica(replicas: readonly PayingNetwork[], at: number): PayingNetwork {
  const one = replicas[at % replicas.length]
  if (one === undefined) throw new Error('two replicas')
  return one
}
