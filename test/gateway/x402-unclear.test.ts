import { expect, test } from 'vitest'
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
import { codeOf } from './network/test-network.ts'

// Facilitators that break off when they are asked to settle, and what the chain shows then.

const usedAlready: Saying = {
  settle: {
    success: false,
    errorReason: 'invalid_transaction_state',
    transaction: '',
    network: NETWORK,
  },
}

test.each<[string, Saying, number]>([
  ['calls the nonce used', usedAlready, 1],
  ['never says anything', {}, 2],
])(
  'paid_and_not_served: that moved the money and %s is not believed over the chain',
  async (_name, saying, unclear) => {
    const looked: unknown[] = []
    const { network } = await paid({
      saying,
      unclear,
      onChain: async (moved) => {
        looked.push(moved)
        return TRANSACTION
      },
    })
    const served = await network.pay(await network.payment())
    expect(served.status).toBe(200)
    expect(decoded(served, 'payment-response')).toMatchObject({
      success: true,
      transaction: TRANSACTION,
      network: NETWORK,
    })
    const from = PAYER.address.toLowerCase()
    expect(looked).toMatchObject([{ asset: ASSET, from, to: PAY_TO, amount: PRICE }])
    expect(network.unpaid()).toBe(0n)
  },
)

test('cancelled_is_not_paid: a nonce that is used and moved nothing here pays nothing', async () => {
  const saying = usedAlready
  const { network } = await paid({ saying, unclear: 1, onChain: async () => undefined })
  const refused = await network.pay(await network.payment())
  expect([refused.status, await codeOf(refused)]).toEqual([402, 'payment_failed'])
  expect(network.unpaid()).toBe(1n)
})

test('paid_elsewhere_rejected: after a clear refusal the chain is not asked', async () => {
  const looked: unknown[] = []
  const { network } = await paid({
    saying: usedAlready,
    onChain: async (moved) => {
      looked.push(moved)
      return TRANSACTION
    },
  })
  expect(await codeOf(await network.pay(await network.payment()))).toBe('payment_failed')
  expect(looked).toEqual([])
})
