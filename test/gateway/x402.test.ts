import { once } from 'node:events'
import { privateKeyToAccount } from 'viem/accounts'
import { describe, expect, onTestFinished, test } from 'vitest'
import { toHex } from '@jeju/verifier/protocol'
import { createLogger } from '../../gateway/src/logging.ts'
import { connectRedis } from '../../gateway/src/state/redis-state.ts'
import type { SharedState } from '../../gateway/src/state/shared-state.ts'
import { haveRedis, startRedis } from '../servers/redis.ts'
import {
  ASSET,
  decoded,
  NETWORK,
  paid,
  PAY_TO,
  PAYER,
  PRICE,
  TRANSACTION,
  type Saying,
} from './network/paid-network.ts'
import { jsonAnswer } from './network/signed-answer.ts'
import { answer, honest, silent } from './network/test-connection.ts'
import { codeOf, LIMITS } from './network/test-network.ts'

describe('a request without a payment', () => {
  test('is told how to pay, in the form of x402', async () => {
    const { network, facilitator } = await paid()
    const response = await network.pay()
    expect([response.status, await codeOf(response)]).toEqual([402, 'payment_required'])
    expect(decoded(response, 'payment-required')).toEqual({
      x402Version: 2,
      error: 'PAYMENT-SIGNATURE header is required',
      resource: {
        url: 'https://gateway.test/v1/chat/completions',
        description: expect.any(String),
        mimeType: 'application/json',
      },
      accepts: [
        {
          scheme: 'exact',
          network: NETWORK,
          amount: PRICE.toString(),
          asset: ASSET,
          payTo: PAY_TO,
          maxTimeoutSeconds: 660,
          extra: { assetTransferMethod: 'eip3009', name: 'USDC', version: '2' },
        },
      ],
    })
    expect([facilitator.asked, network.connection.prompts, network.own.opened]).toEqual([
      [],
      [],
      [],
    ])
  })

  test('costs what its nodes cost, rounded up, and no more than the cap', async () => {
    const { network } = await paid({ settings: { unitsPerEther: 1n } })
    expect(await network.price()).toBe('1')
    const { network: dear } = await paid({ settings: { maxAmount: PRICE - 1n } })
    const refused = await dear.pay()
    expect([refused.status, await codeOf(refused)]).toEqual([402, 'price_too_high'])
  })
})

describe('a payment', () => {
  test('is verified, then the node is asked, then it is settled, then the answer leaves', async () => {
    const steps: string[] = []
    const { network } = await paid({ steps }, (self) =>
      honest(self, (request) => {
        steps.push('asked')
        return jsonAnswer(self, request, '{}')
      }),
    )
    const response = await network.pay(await network.payment())
    expect([response.status, response.headers.get('compute-verdict')]).toEqual([200, 'verified'])
    expect(decoded(response, 'payment-response')).toEqual({
      success: true,
      transaction: TRANSACTION,
      network: NETWORK,
      payer: PAYER.address.toLowerCase(),
    })
    expect(steps).toEqual(['/verify', 'asked', '/settle'])
    expect(network.unpaid()).toBe(0n)
  })

  test('of more than the price is taken, of less is not', async () => {
    const { network, facilitator } = await paid()
    const more = await network.payment({ value: PRICE + 1n })
    expect((await network.pay(more)).status).toBe(200)
    const less = await network.payment({ value: PRICE - 1n })
    const refused = await network.pay(less)
    expect(await codeOf(refused)).toBe('payment_required')
    expect(decoded(refused, 'payment-required')).toMatchObject({
      error: 'amount: expected 1000 at least, got 999',
    })
    expect(facilitator.asked).toEqual(['/verify', '/settle'])
  })

  test('N9 a payment is taken once', async () => {
    const { network, facilitator } = await paid()
    const payment = await network.payment()
    const both = await Promise.all([network.pay(payment), network.pay(payment)])
    expect(new Set(both.map(({ status }) => status))).toEqual(new Set([200, 402]))
    expect(facilitator.asked.filter((path) => path === '/settle')).toHaveLength(1)
    expect(network.connection.prompts).toHaveLength(1)
  })

  test('that comes too often is not used up', async () => {
    const { network } = await paid({ limits: { wallet: { requestsPerMinute: 1, concurrent: 9 } } })
    expect((await network.pay(await network.payment())).status).toBe(200)
    const payment = await network.payment()
    expect(await codeOf(await network.pay(payment))).toBe('rate_limited')
    network.nowMs += 60_000
    expect((await network.pay(payment)).status).toBe(200)
  })

  test('of a refusal is not settled, and what was set aside comes back', async () => {
    const { network, facilitator } = await paid({}, (self) =>
      honest(self, () => answer([], {}, 400)),
    )
    expect((await network.pay(await network.payment())).status).toBe(400)
    expect(facilitator.asked).toEqual(['/verify'])
    expect(network.unpaid()).toBe(0n)
  })

  test('of a lie is not settled', async () => {
    const { network, facilitator } = await paid({}, (self) =>
      honest(self, (request) => jsonAnswer(self, request, '{}', { content: { model: 'other' } })),
    )
    expect(await codeOf(await network.pay(await network.payment()))).toBe('response_not_verified')
    expect(facilitator.asked).toEqual(['/verify'])
  })

  const changes: readonly (readonly [string, object])[] = [
    ['to somebody else', { to: `0x${'71'.repeat(20)}` }],
    ['that ends before an answer may', { lifeS: 300 }],
    ['that outlives the memory of its nonce', { lifeS: 100 * 365 * 24 * 3600 }],
  ]
  test.each(changes)('%s is none', async (_name, change) => {
    const { network, facilitator } = await paid()
    const refused = await network.pay(await network.payment(change))
    expect([refused.status, await codeOf(refused)]).toEqual([400, 'payment_invalid'])
    expect(facilitator.asked).toEqual([])
  })

  test.each([
    ['no base64', '!'],
    ['no JSON', Buffer.from('{').toString('base64')],
    ['nothing', Buffer.from('{}').toString('base64')],
    ['version 1', Buffer.from('{"x402Version":1}').toString('base64')],
    ['too much', 'a'.repeat(9_000)],
  ])('that is %s is none', async (_name, header) => {
    const { network, facilitator } = await paid()
    const refused = await network.pay(header)
    expect([refused.status, await codeOf(refused)]).toEqual([400, 'payment_invalid'])
    expect(facilitator.asked).toEqual([])
  })

  test.each([
    ['scheme', 'upto'],
    ['network', 'eip155:1'],
    ['asset', `0x${'00'.repeat(20)}`],
    ['payTo', `0x${'00'.repeat(20)}`],
    ['amount', '999'],
  ])('accepted with another %s is none', async (name, value) => {
    const { network } = await paid()
    const payment = JSON.parse(Buffer.from(await network.payment(), 'base64').toString())
    payment.accepted[name] = value
    const header = Buffer.from(JSON.stringify(payment)).toString('base64')
    expect(await codeOf(await network.pay(header))).toBe('payment_invalid')
  })
})

describe('fail closed: a facilitator', () => {
  const sayings: readonly (readonly [string, Saying, number, string])[] = [
    [
      'that refuses',
      { verify: { isValid: false, invalidReason: 'insufficient_funds' } },
      402,
      'payment_failed',
    ],
    [
      'that means another payer',
      { verify: { isValid: true, payer: PAY_TO } },
      402,
      'payment_failed',
    ],
    ['that says nothing clear', { verify: { ok: true } }, 503, 'facilitator_unavailable'],
    ['that answers no JSON', { verify: undefined }, 503, 'facilitator_unavailable'],
  ]
  test.each(sayings)('%s: no node is asked', async (_name, saying, status, code) => {
    const { network } = await paid({ saying })
    const refused = await network.pay(await network.payment())
    expect([refused.status, await codeOf(refused)]).toEqual([status, code])
    expect(network.connection.prompts).toEqual([])
  })

  test('that cannot be reached: no node is asked', async () => {
    const { network } = await paid({ url: 'http://127.0.0.1:1' })
    const refused = await network.pay(await network.payment())
    expect([refused.status, await codeOf(refused)]).toEqual([503, 'facilitator_unavailable'])
    expect(network.connection.prompts).toEqual([])
  })

  test.each<[string, Saying]>([
    [
      'that does not settle',
      {
        settle: {
          success: false,
          errorReason: 'insufficient_funds',
          transaction: '',
          network: NETWORK,
        },
      },
    ],
    [
      'that settles on another chain',
      { settle: { success: true, transaction: TRANSACTION, network: 'eip155:1' } },
    ],
    ['that names no transaction', { settle: { success: true, transaction: '', network: NETWORK } }],
  ])('%s: no byte of the answer leaves, and the day’s loss is bounded', async (_name, saying) => {
    const { network } = await paid({ saying, settings: { unpaidPerDay: 1n } })
    const refused = await network.pay(await network.payment())
    expect([refused.status, await codeOf(refused)]).toEqual([402, 'payment_failed'])
    expect(decoded(refused, 'payment-response')).toMatchObject({ success: false, transaction: '' })
    // What the node was paid for it.
    expect(network.unpaid()).toBe(1n)
    expect((await network.only()).admitted).toBe(true)
  })

  test('silent_nodes_of_the_payer_are_not_forgiven: what is settled pays the attempt that was answered', async () => {
    const { network } = await paid({ limits: { failoverAfterMs: 50 } }, silent)
    network.add({ agentId: 1n })
    await network.update()
    const order = { provider: { order: ['0', '1'] } }
    const payment = await network.payment({ value: 2n * PRICE })
    const response = await network.pay(payment, order)
    expect([response.status, response.headers.get('payment-response')]).toEqual([
      200,
      expect.any(String),
    ])
    expect(network.connection.prompts).toHaveLength(2)
    await expect.poll(() => network.unpaid()).toBe(1n)
  })

  test('silent_nodes_multiply_the_cap: a payment of one price pays one attempt', async () => {
    const { network, facilitator } = await paid({ limits: { failoverAfterMs: 50 } }, silent)
    network.add({ agentId: 1n }, silent)
    await network.update()
    expect(await codeOf(await network.pay(await network.payment()))).toBe('provider_unavailable')
    expect(network.connection.prompts).toHaveLength(1)
    expect(facilitator.asked).toEqual(['/verify'])
  })

  test('hanging_up_is_free: whoever leaves when a node was asked has paid', async () => {
    const leaving = new AbortController()
    const { network, facilitator } = await paid({}, (self) =>
      honest(self, ({ signal }) => {
        leaving.abort()
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error))
        })
      }),
    )
    const payment = await network.payment()
    await expect(network.pay(payment, {}, leaving.signal)).rejects.toThrow('aborted')
    await expect.poll(() => facilitator.asked).toEqual(['/verify', '/settle'])
    await expect.poll(() => network.unpaid()).toBe(0n)
    expect((await network.only()).admitted).toBe(true)
  })

  test('hanging_up_exhausts_the_pot: whoever leaves before a node is asked takes nothing', async () => {
    const leaving = new AbortController()
    const gone = new AbortController()
    const { network, facilitator } = await paid({
      onVerify: async () => {
        leaving.abort()
        await once(gone.signal, 'abort')
      },
    })
    const payment = await network.payment()
    network.onClose = () => gone.abort()
    await expect(network.pay(payment, {}, leaving.signal)).rejects.toThrow('aborted')
    await expect
      .poll(async () => (await network.request('/metrics')).text())
      .toContain('jeju_gateway_prompts_under_way 0')
    expect([facilitator.asked, network.connection.prompts, network.unpaid()]).toEqual([
      ['/verify'],
      [],
      0n,
    ])
  })

  test('one_payer_exhausts_the_pot: each has a share', async () => {
    const saying: Saying = {
      verify: { isValid: true },
      settle: { success: false, transaction: '', network: NETWORK },
    }
    const { network } = await paid({ saying, maxFee: 1n, settings: { unpaidPerDay: 20n } })
    const codes: string[] = []
    for (let at = 0; at < 3; at++)
      codes.push(await codeOf(await network.pay(await network.payment())))
    expect(codes).toEqual(['payment_failed', 'payment_failed', 'budget_exhausted'])
    const another = privateKeyToAccount(toHex(new Uint8Array(32).fill(0x62)))
    const paidByAnother = await network.pay(await network.payment({}, another))
    expect(await codeOf(paidByAnother)).toBe('payment_failed')
  })

  test('paid_and_not_served: that said nothing clear of a settlement is asked again', async () => {
    const { network, facilitator } = await paid({ unclear: 1 })
    expect((await network.pay(await network.payment())).status).toBe(200)
    expect(facilitator.asked).toEqual(['/verify', '/settle', '/settle'])
    expect(network.unpaid()).toBe(0n)
  })

  test('that says nothing clear twice: no byte of the answer leaves', async () => {
    const { network } = await paid({ unclear: 2 })
    const refused = await network.pay(await network.payment())
    expect([refused.status, await codeOf(refused)]).toEqual([503, 'facilitator_unavailable'])
    expect(network.unpaid()).toBe(1n)
  })

  test('whose payments fail costs no more than a day’s limit', async () => {
    const saying: Saying = { settle: { success: false, transaction: '', network: NETWORK } }
    const { network } = await paid({ saying, settings: { unpaidPerDay: 2n } }, (self) =>
      honest(self, (request) => jsonAnswer(self, request, '{}')),
    )
    const codes: string[] = []
    for (let at = 0; at < 4; at++)
      codes.push(await codeOf(await network.pay(await network.payment())))
    expect(codes.at(-1)).toBe('budget_exhausted')
  })
})

describe.runIf(haveRedis)('with replicas', () => {
  test('N9 a payment is taken by one of them, and by none while they cannot tell', async () => {
    const server = await startRedis()
    const open = (): SharedState => {
      const options = { url: server.url, prefix: 'jeju:x402', limit: LIMITS.wallet }
      const state = connectRedis({
        ...options,
        evidenceMs: 600_000,
        logger: createLogger('silent'),
      })
      onTestFinished(() => state.close())
      return state
    }
    const { network: a } = await paid({ shared: open() })
    const { network: b } = await paid({ shared: open(), chain: a.chain, connection: a.connection })
    const payment = await a.payment()
    expect((await a.pay(payment)).status).toBe(200)
    expect(await codeOf(await b.pay(payment))).toBe('payment_failed')
    const next = await b.payment()
    await server.process.kill()
    const refused = await b.pay(next)
    expect([refused.status, await codeOf(refused)]).toEqual([503, 'shared_state_unavailable'])
    expect(a.connection.prompts).toHaveLength(1)
  })
})
