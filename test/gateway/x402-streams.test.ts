import { request as httpRequest } from 'node:http'
import { PassThrough } from 'node:stream'
import { text as textOf } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import {
  NETWORK,
  paid,
  PAYER,
  TRANSACTION,
  type PaidNetwork,
  type PaidOptions,
} from './network/paid-network.ts'
import { streamAnswer, streamEnd, type Lie } from './network/signed-answer.ts'
import { answer, honest, type Responder } from './network/test-connection.ts'
import { codeOf } from './network/test-network.ts'
import type { TestNode } from './network/test-node.ts'

// A stream is paid for when its receipt is verified, and before its end is given out.

const FRAMES = ['data: {"choices":[{"delta":{"content":"a"}}]}\n\n', 'data: {"choices":[]}\n\n']
const STREAM = { 'content-type': 'text/event-stream' }
/** A payment holds for 660 seconds, of which the last 180 are for its settlement. */
const NEAR_ITS_END_MS = 479_950
const REFUSED = {
  success: false,
  errorReason: 'insufficient_funds',
  transaction: '',
  network: NETWORK,
}

describe('a payment for a stream', () => {
  test('is settled when the receipt is verified, and told in a trailer', async () => {
    const steps: string[] = []
    const { network } = await paid({ steps }, served(steps))
    const stream = await open(network)
    expect(stream.headers).toMatchObject({ trailer: 'payment-response' })
    expect(await stream.text()).toContain('data: [DONE]')
    expect(steps).toEqual(['/verify', 'asked', 'all sent', '/settle'])
    expect(JSON.parse(Buffer.from(stream.trailer(), 'base64').toString())).toEqual({
      success: true,
      transaction: TRANSACTION,
      network: NETWORK,
      payer: PAYER.address.toLowerCase(),
    })
    await expect.poll(() => network.unpaid()).toBe(0n)
  })

  test.each<[string, Lie]>([
    ['another answer', { receipt: { responseHash: `0x${'aa'.repeat(32)}` } }],
    ['another model', { content: { model: 'larger' } }],
    ['more than maxFee', { receipt: { outputTokens: 3_000_000 } }],
  ])('F11 wrong_stream_is_not_paid: a receipt for %s', async (_name, lie) => {
    const { network, facilitator } = await paid({}, (self) =>
      honest(self, (request) => streamAnswer(self, request, FRAMES, lie)),
    )
    const stream = await open(network)
    expect(await stream.text()).toContain('response_not_verified')
    expect(facilitator.asked).toEqual(['/verify'])
    expect(stream.trailer()).toBe('')
    expect((await network.only()).admitted).toBe(false)
  })

  test('F11 wrong_stream_is_not_paid: one without a receipt, and one that breaks off', async () => {
    for (const end of [(): void => undefined, (body: PassThrough) => body.destroy()]) {
      const { network, facilitator } = await paid({}, (self) =>
        honest(self, () => {
          const body = new PassThrough()
          body.write(FRAMES[0])
          setTimeout(() => (end(body), body.end()), 20)
          return { ...answer([], STREAM), body }
        }),
      )
      const stream = await open(network)
      expect(await stream.text().catch(() => 'broke off')).not.toContain('[DONE]')
      expect(facilitator.asked).toEqual(['/verify'])
    }
  })

  test('N2 moved_meanwhile: money that was spent elsewhere buys no end, and a bounded beginning', async () => {
    const { network, facilitator } = await unpaying({ maxFee: 1n, settings: { unpaidPerDay: 10n } })
    const stream = await open(network)
    const text = await stream.text()
    expect(text.startsWith(FRAMES.join(''))).toBe(true)
    expect(text).toContain('payment_failed')
    expect(text).not.toContain('[DONE]')
    expect(text).not.toContain('event: receipt')
    expect(JSON.parse(Buffer.from(stream.trailer(), 'base64').toString())).toMatchObject(REFUSED)
    expect(network.unpaid()).toBe(1n)
    // The node did what it was asked for.
    expect((await network.only()).admitted).toBe(true)
    // A tenth of the day's loss is one payer's, and was his.
    expect(await codeOf(await network.pay(await network.payment()))).toBe('budget_exhausted')
    expect(facilitator.asked.filter((path) => path === '/settle')).toHaveLength(1)
  })

  test('N2 read_slowly: a stream that outlives its payment is settled while it can be', async () => {
    const { network, facilitator } = await paid(
      {},
      unfinished(() => void (network.nowMs += NEAR_ITS_END_MS)),
    )
    const stream = await open(network)
    await expect.poll(() => facilitator.asked).toEqual(['/verify', '/settle'])
    stream.abandon()
    await expect.poll(() => network.unpaid()).toBe(0n)
    expect(facilitator.asked).toEqual(['/verify', '/settle'])
  })

  test('N2 read_slowly: where it cannot be settled then, the answer breaks off', async () => {
    const { network } = await unpaying(
      {},
      unfinished(() => void (network.nowMs += NEAR_ITS_END_MS)),
    )
    const stream = await open(network)
    await expect(stream.text()).rejects.toThrow('aborted')
    expect(network.unpaid()).toBe(1n)
  })

  test('hanging_up_is_free: whoever leaves in a stream has paid', async () => {
    const { network, facilitator } = await paid({}, unfinished())
    const stream = await open(network)
    stream.abandon()
    await expect.poll(() => facilitator.asked).toEqual(['/verify', '/settle'])
    await expect.poll(() => network.unpaid()).toBe(0n)
  })
})

/** Notes when it is asked, and when everything but its end is there. */
function served(steps: string[]) {
  return (self: TestNode): Responder =>
    honest(self, (request) => {
      steps.push('asked')
      const body = new PassThrough()
      body.write(FRAMES.join(''))
      setTimeout(() => {
        steps.push('all sent')
        body.end(streamEnd(self, request, FRAMES.join('')))
      }, 50)
      return { ...answer([], STREAM), body }
    })
}

/** A stream that only begins. */
function unfinished(onAsked: () => void = () => undefined) {
  return (self: TestNode): Responder =>
    honest(self, (request) => {
      onAsked()
      const body = new PassThrough()
      body.write(FRAMES[0])
      request.signal.addEventListener('abort', () => body.destroy())
      return { ...answer([], STREAM), body }
    })
}

/** The facilitator verifies, and cannot settle. */
function unpaying(
  options: PaidOptions,
  serve: (self: TestNode) => Responder = (self) =>
    honest(self, (request) => streamAnswer(self, request, FRAMES)),
): ReturnType<typeof paid> {
  return paid({ ...options, saying: { settle: REFUSED } }, serve)
}

interface OpenStream {
  readonly headers: NodeJS.Dict<string | string[]>
  /** Rejects where it breaks off. */
  readonly text: () => Promise<string>
  /** Empty where there is none; known when the text is read. */
  readonly trailer: () => string
  readonly abandon: () => void
}

/** Pays for a prompt over Node's client, since `fetch` shows no trailers. */
async function open(network: PaidNetwork): Promise<OpenStream> {
  const header = await network.payment()
  const url = new URL('/v1/chat/completions', await network.origin())
  const body = '{"model":"enclave-mini","messages":[],"max_tokens":10}'
  const headers = { 'content-type': 'application/json', 'payment-signature': header }
  return new Promise((resolve, reject) => {
    const sending = httpRequest(url, { method: 'POST', headers, agent: false }, (response) => {
      resolve({
        headers: response.headers,
        text: () => textOf(response),
        trailer: () => response.trailers['payment-response'] ?? '',
        abandon: () => sending.destroy(),
      })
    })
    sending.once('error', reject)
    sending.end(body)
  })
}
