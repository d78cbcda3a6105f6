import { describe, expect, onTestFinished, test } from 'vitest'
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
} from './network/paid-network.ts'
import { jsonAnswer } from './network/signed-answer.ts'
import { answer, honest } from './network/test-connection.ts'
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
