import { describe, expect, onTestFinished, test } from 'vitest'
import { createLogger } from '../../gateway/src/logging.ts'
import { connectRedis } from '../../gateway/src/state/redis-state.ts'
import type { SharedState } from '../../gateway/src/state/shared-state.ts'
import { haveRedis, startRedis } from '../servers/redis.ts'
import { BODY, KEY_OF_BOB, paying, payingNetwork } from './network/paying-network.ts'
import { jsonAnswer } from './network/signed-answer.ts'
import {
  answer,
  evidenceAnswer,
  honest,
  nonceOf,
  silent,
  type Responder,
} from './network/test-connection.ts'
import { codeOf, LIMITS } from './network/test-network.ts'

/** What a request costs at most: far below a wei, so one. */
const MAX_FEE = 1n
const DAY_MS = 24 * 3600_000

describe('N3 budgets', () => {
  test('are never exceeded, whatever comes at once', async () => {
    const { network } = await paying({ budget: 5n })
    const answers = await Promise.all(Array.from({ length: 12 }, () => network.withKey()))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(5)
    const refused = answers.find(({ status }) => status !== 200)
    expect(refused?.headers.get('retry-after')).toMatch(/^\d+$/)
    expect(await codeOf(refused ?? new Response())).toBe('budget_exhausted')
    expect(network.connection.prompts).toHaveLength(5)
  })

  test('begin anew each day', async () => {
    const { network } = await paying({ budget: 1n })
    expect((await network.withKey()).status).toBe(200)
    expect((await network.withKey()).status).toBe(402)
    network.nowMs = Math.ceil(network.nowMs / DAY_MS) * DAY_MS + 1
    await network.update()
    expect((await network.withKey()).status).toBe(200)
  })

  test('get back what a refusal did not cost, and not what may have been charged', async () => {
    let way: Responder = () => answer([], {}, 400)
    const { network } = await paying({ budget: 1n }, (self) =>
      honest(self, (request) => way(request)),
    )
    expect((await network.withKey()).status).toBe(400)
    way = () =>
      Promise.reject(Object.assign(new Error('reset'), { code: 'UND_ERR_HEADERS_TIMEOUT' }))
    expect((await network.withKey()).status).toBe(502)
    await network.update()
    network.pass(1)
    await network.update()
    expect(await codeOf(await network.withKey())).toBe('budget_exhausted')
  })

  test('reset_then_refused_connection_is_not_refunded: the node may have signed before', async () => {
    const codes = ['ECONNRESET', 'ECONNREFUSED']
    const { network } = await paying({ budget: 2n }, (self) =>
      honest(self, () => Promise.reject(Object.assign(new Error(), { code: codes.shift() }))),
    )
    expect((await network.withKey()).status).toBe(502)
    expect(network.connection.prompts).toHaveLength(2)
    expect(await network.spent()).toBe(1n)
  })

  test('reset_then_refused_request_is_not_refunded', async () => {
    let times = 0
    const { network } = await paying({ budget: 2n }, (self) =>
      honest(self, () => {
        if (times++ > 0) return answer([], {}, 400)
        return Promise.reject(Object.assign(new Error(), { code: 'ECONNRESET' }))
      }),
    )
    expect((await network.withKey()).status).toBe(400)
    expect(await network.spent()).toBe(1n)
  })

  test.each([400, 429, 500])(
    'front_turns_answer_into_%i_is_not_refunded: TLS does not end in the node',
    async (status) => {
      const network = payingNetwork({ budget: 2n })
      network.add({ tls: false, endpoint: 'http://127.0.0.1:8000' }, (self) =>
        honest(self, () => answer([], { 'retry-after': '30' }, status)),
      )
      await network.update()
      expect((await network.withKey()).status).toBe(status)
      expect(await network.spent()).toBe(1n)
    },
  )

  test('silent_nodes_multiply_the_cap: all attempts together cost what one request may', async () => {
    const network = payingNetwork({ limits: { failoverAfterMs: 50 } })
    for (const agentId of [0n, 1n, 2n]) network.add({ agentId }, silent)
    await network.update()
    const refused = await network.signed({ maxFee: MAX_FEE })
    expect([refused.status, await codeOf(refused)]).toEqual([502, 'provider_unavailable'])
    expect(network.connection.prompts).toHaveLength(1)
    expect(await network.spent()).toBe(MAX_FEE)
  })

  test('a node that could not be reached leaves the cap to the next', async () => {
    const network = payingNetwork({})
    for (const agentId of [0n, 1n, 2n]) {
      network.add({ agentId }, (self) =>
        honest(self, () => Promise.reject(Object.assign(new Error(), { code: 'ECONNREFUSED' }))),
      )
    }
    await network.update()
    expect((await network.signed({ maxFee: MAX_FEE })).status).toBe(502)
    expect(network.connection.prompts).toHaveLength(3)
    expect(await network.spent()).toBe(0n)
  })

  test('a lie costs what was signed for, and is not delivered', async () => {
    const { network } = await paying({ budget: 1n }, (self) =>
      honest(self, (request) => jsonAnswer(self, request, '{}', { content: { model: 'other' } })),
    )
    expect(await codeOf(await network.withKey())).toBe('response_not_verified')
    expect(await network.spent()).toBe(1n)
  })

  test('another node is paid when the first cannot be reached', async () => {
    const { network } = await paying({ budget: 2n })
    network.add({ agentId: 1n }, (self) => async (request) => {
      if (request.method === 'GET') return evidenceAnswer(await self.evidence(nonceOf(request)))
      throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
    })
    await network.update()
    for (let at = 0; at < 2; at++) expect((await network.withKey()).status).toBe(200)
    expect(await network.spent()).toBe(2n)
  })

  test('a wallet that cannot lock any more money pays nothing', async () => {
    const { network } = await paying()
    network.own.down = true
    const refused = await network.withKey()
    expect([refused.status, await codeOf(refused)]).toEqual([503, 'sponsor_unavailable'])
    expect(await network.spent()).toBe(0n)
  })

  test('limits of an account are its own', async () => {
    const { network } = await paying({
      limits: { wallet: { requestsPerMinute: 1, concurrent: 9 } },
    })
    expect((await network.withKey()).status).toBe(200)
    expect(await codeOf(await network.withKey())).toBe('rate_limited')
    expect((await network.withKey(BODY, KEY_OF_BOB)).status).toBe(200)
    expect(await codeOf(await network.withKey(BODY, KEY_OF_BOB))).toBe('rate_limited')
  })
})

describe.runIf(haveRedis)('with replicas', () => {
  test('a budget and a nonce are one, and nothing is paid while they cannot be counted', async () => {
    const server = await startRedis()
    const open = (): SharedState => {
      const options = { url: server.url, prefix: 'jeju:accounts', limit: LIMITS.wallet }
      const logger = createLogger('silent')
      const state = connectRedis({ ...options, evidenceMs: 600_000, logger })
      onTestFinished(() => state.close())
      return state
    }
    const { network: a } = await paying({ budget: 2n, shared: open() })
    const { chain, connection } = a
    const b = payingNetwork({ budget: 2n, shared: open(), chain, connection })
    await b.update()
    expect((await a.signed({ nonce: 1n })).status).toBe(200)
    expect(await codeOf(await b.signed({ nonce: 1n }))).toBe('authorization_invalid')
    expect((await b.withKey()).status).toBe(200)
    expect(await codeOf(await a.withKey())).toBe('budget_exhausted')
    await server.process.kill()
    const refused = await b.withKey()
    expect([refused.status, await codeOf(refused)]).toEqual([503, 'shared_state_unavailable'])
  })
})
