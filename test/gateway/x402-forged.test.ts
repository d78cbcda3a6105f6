import { describe, expect, test } from 'vitest'
import type { Hex } from '@jeju/verifier/protocol'
import {
  createVerifyLimits,
  MAX_VERIFIES,
  MAX_VERIFIES_PER_PAYER,
} from '../../gateway/src/x402/verify-limits.ts'
import { ASSET, NETWORK, paid, PAY_TO, PAYER } from './network/paid-network.ts'
import { codeOf } from './network/test-network.ts'

/** Payments that nobody signed as they are, and more of them than a facilitator should be asked about. */

interface PaymentDocument {
  resource: object
  extensions?: object
  readonly accepted: { amount: string; network: string; extra: { name: string } }
  readonly payload: { signature: string; readonly authorization: Record<string, unknown> }
}

/** The payment, changed after it was signed. */
function changed(payment: string, change: (document: PaymentDocument) => void): string {
  const document = JSON.parse(Buffer.from(payment, 'base64').toString()) as PaymentDocument
  change(document)
  return Buffer.from(JSON.stringify(document)).toString('base64')
}

/** Of a payer that is a contract: ERC-1271 says nothing about the length. */
const byContract = (payment: string): string =>
  changed(payment, ({ payload }) => (payload.signature += 'ab'))

describe('forged_payment_asks_no_facilitator', () => {
  const victim = `0x${'72'.repeat(20)}`
  test.each<[string, (document: PaymentDocument) => void]>([
    ['in another’s name', ({ payload }) => (payload.authorization['from'] = victim)],
    [
      'with another nonce',
      ({ payload }) => (payload.authorization['nonce'] = `0x${'01'.repeat(32)}`),
    ],
    ['valid from another time', ({ payload }) => (payload.authorization['validAfter'] = '1')],
    [
      'of another amount',
      ({ payload, accepted }) => {
        payload.authorization['value'] = '1001'
        accepted.amount = '1001'
      },
    ],
    [
      'valid from a time that no word holds',
      ({ payload }) => (payload.authorization['validAfter'] = '9'.repeat(78)),
    ],
    ['with an empty signature', ({ payload }) => (payload.signature = `0x${'00'.repeat(65)}`)],
  ])('%s', async (_name, change) => {
    const { network, facilitator } = await paid()
    const refused = await network.pay(changed(await network.payment(), change))
    expect([refused.status, await codeOf(refused)]).toEqual([400, 'payment_invalid'])
    expect(facilitator.asked).toEqual([])
  })

  test('for another token, and on another chain', async () => {
    const { network: other } = await paid({
      settings: { asset: { address: ASSET, name: 'Dollar', version: '2' } },
    })
    const { network, facilitator } = await paid()
    expect(await codeOf(await network.pay(await other.payment()))).toBe('payment_invalid')
    const { network: elsewhere } = await paid({ settings: { chainId: 1 } })
    const payment = changed(await elsewhere.payment(), ({ accepted }) => {
      accepted.network = NETWORK
    })
    expect(await codeOf(await network.pay(payment))).toBe('payment_invalid')
    expect(facilitator.asked).toEqual([])
  })

  test('nor does one whose nonce was used', async () => {
    const { network, facilitator } = await paid()
    const payment = await network.payment()
    expect((await network.pay(payment)).status).toBe(200)
    expect(await codeOf(await network.pay(payment))).toBe('payment_failed')
    expect(facilitator.asked).toEqual(['/verify', '/settle'])
  })

  test('of a contract is for the facilitator to judge', async () => {
    const { network, facilitator } = await paid()
    expect((await network.pay(byContract(await network.payment()))).status).toBe(200)
    expect(facilitator.asked).toEqual(['/verify', '/settle'])
  })
})

test('payer_smuggles_fields_to_the_facilitator: it gets what was read, and nothing else', async () => {
  const { network, facilitator } = await paid()
  const payment = changed(await network.payment(), (document) => {
    document.resource = { url: 'http://169.254.169.254' }
    document.extensions = { evil: {} }
    document.accepted.extra.name = 'Other'
    document.payload.authorization['extra'] = 1
  })
  expect((await network.pay(payment)).status).toBe(200)
  const { paymentPayload, paymentRequirements } = JSON.parse(facilitator.bodies[0] ?? '')
  expect(paymentPayload).toEqual({
    x402Version: 2,
    resource: expect.objectContaining({ url: 'https://gateway.test/v1/chat/completions' }),
    accepted: paymentRequirements,
    payload: {
      signature: expect.any(String),
      authorization: {
        from: PAYER.address.toLowerCase(),
        to: PAY_TO,
        value: '1000',
        validAfter: '0',
        validBefore: expect.any(String),
        nonce: expect.any(String),
      },
    },
  })
  expect(paymentRequirements.extra.name).toBe('USDC')
})

describe('payer_cannot_flood_the_facilitator', () => {
  test('beyond its own limits', async () => {
    const { network, facilitator } = await paid({
      limits: { wallet: { requestsPerMinute: 1, concurrent: 9 } },
    })
    expect((await network.pay(await network.payment())).status).toBe(200)
    expect(await codeOf(await network.pay(await network.payment()))).toBe('rate_limited')
    expect(facilitator.asked).toEqual(['/verify', '/settle'])
  })

  test.each<[string, (payment: string) => string]>([
    ['by its key', (payment) => payment],
    ['as a contract', byContract],
  ])('all at once %s, and what is refused is not used up', async (_name, as) => {
    let release = (): void => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    const { network, facilitator } = await paid({
      limits: { wallet: { requestsPerMinute: 99, concurrent: 99 } },
      onVerify: () => held,
    })
    const payments: string[] = []
    for (let at = 0; at <= MAX_VERIFIES_PER_PAYER; at++) payments.push(as(await network.payment()))
    const last = payments.pop() ?? ''
    const answers = payments.map((payment) => network.pay(payment))
    await expect.poll(() => facilitator.asked).toHaveLength(MAX_VERIFIES_PER_PAYER)
    const refused = await network.pay(last)
    expect([refused.status, await codeOf(refused)]).toEqual([429, 'too_many_requests'])
    expect(facilitator.asked).toHaveLength(MAX_VERIFIES_PER_PAYER)
    release()
    for (const response of await Promise.all(answers)) expect(response.status).toBe(200)
    expect((await network.pay(last)).status).toBe(200)
  })

  test('with payers of its own: all together have a cap', async () => {
    const limits = createVerifyLimits()
    const never = (): Promise<void> => new Promise(() => undefined)
    const payerOf = (at: number): Hex => `0x${at.toString(16).padStart(40, '0')}`
    for (let at = 0; at < MAX_VERIFIES; at++) void limits.run(payerOf(at), never)
    const further = limits.run(payerOf(MAX_VERIFIES), never)
    await expect(further).rejects.toMatchObject({ code: 'overloaded' })
  })
})
