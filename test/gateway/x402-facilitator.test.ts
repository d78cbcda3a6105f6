import { once } from 'node:events'
import { privateKeyToAccount } from 'viem/accounts'
import { describe, expect, test } from 'vitest'
import { toHex } from '@jeju/verifier/protocol'
import {
  decoded,
  NETWORK,
  paid,
  PAY_TO,
  PRICE,
  TRANSACTION,
  type Saying,
} from './network/paid-network.ts'
import { jsonAnswer } from './network/signed-answer.ts'
import { honest, silent } from './network/test-connection.ts'
import { codeOf } from './network/test-network.ts'

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
