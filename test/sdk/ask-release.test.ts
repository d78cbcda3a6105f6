import {
  addressOf,
  parseRelease,
  randomBytes32,
  recoverAddress,
  voucherDigest,
  type Hex,
} from '@jeju/verifier/protocol'
import { describe, expect, test } from 'vitest'
import { askRelease } from '../../sdk/src/release/ask-release.ts'

const CHANNEL: Hex = `0x${'ab'.repeat(32)}`
const LEDGER = { chainId: 1n, verifyingContract: addressOf(randomBytes32()) }
const SERVING = { chainId: 1n, verifyingContract: addressOf(randomBytes32()) }

type Answers = readonly (readonly [status: number, after?: string | undefined])[]

interface Desk {
  /** Bodies it was shown, in order. */
  readonly shown: string[]
  /** Milliseconds that were waited, in order. */
  readonly waited: number[]
  /** Address of the channel's session key. */
  readonly signer: Hex
  ask(mode?: 'RECEIPT' | 'VOUCHER'): Promise<void>
}

/** A provider that answers one after the other, the last one again and again. */
function deskThatAnswers(...answers: Answers): Desk {
  return slowDesk(0, ...answers)
}

/** One that takes so many milliseconds for each answer. */
function slowDesk(takesMs: number, ...answers: Answers): Desk {
  let passedMs = 0
  const [shown, waited]: [string[], number[]] = [[], []]
  const parts = {
    servicesOf: async () => [{ name: 'release', endpoint: 'https://desk.test/release' }],
    feesOf: async () => 7n,
    ledger: LEDGER,
    serving: SERVING,
    allowLoopback: false,
    now: () => new Date(1_700_000_000_000 + passedMs),
    wait: async (ms: number) => waited.push(ms),
    transport: async (_url: unknown, init?: RequestInit): Promise<Response> => {
      const [status, after] = answers[Math.min(shown.length, answers.length - 1)] ?? [500]
      passedMs += takesMs
      shown.push(typeof init?.body === 'string' ? init.body : '')
      const headers = after === undefined ? {} : { 'retry-after': after }
      return new Response('{}', { status, headers })
    },
  }
  const price = { version: 1, inPerMTok: 1n, outPerMTok: 1n, maxOutputTokens: 1 }
  const sessionKey = randomBytes32()
  const record = { channelId: CHANNEL, agentId: 0n, serviceId: 0, price, sessionKey }
  return {
    shown,
    waited,
    signer: addressOf(sessionKey),
    ask: (mode = 'RECEIPT') => askRelease(parts, { ...record, mode }),
  }
}

describe('a provider who is asked to release a channel', () => {
  test('is asked again, with the same document, when he said he could be', async () => {
    const desk = deskThatAnswers([409, '10'], [409, '0'], [200])
    await desk.ask()
    expect(desk.waited).toEqual([10_000, 1_000])
    expect(desk.shown).toHaveLength(3)
    expect(new Set(desk.shown).size).toBe(1)
    expect(parseRelease(desk.shown[0] ?? '')).toMatchObject({ channelId: CHANNEL, paid: 7n })
  })

  test('is brought the last voucher of a channel of vouchers, for exactly what its receipts come to', async () => {
    const desk = deskThatAnswers([200])
    await desk.ask('VOUCHER')
    const { paid, voucher } = parseRelease(desk.shown[0] ?? '')
    expect([paid, voucher?.cumulative]).toEqual([7n, 7n])
    const digest = voucherDigest({ channelId: CHANNEL, cumulative: 7n }, SERVING)
    expect(recoverAddress(digest, voucher?.signature ?? '0x')).toBe(desk.signer)
    const other = deskThatAnswers([200])
    await other.ask()
    expect(parseRelease(other.shown[0] ?? '')).not.toHaveProperty('voucher')
  })

  test('is waited for while his node pauses for a minute after another’s release', async () => {
    const desk = deskThatAnswers(...Array.from({ length: 7 }, () => [409, '10'] as const), [200])
    await desk.ask()
    expect(desk.waited).toHaveLength(7)
  })

  test('is not asked for longer than two and a half minutes, and not kept waiting for', async () => {
    const desk = deskThatAnswers([409, '60'])
    await expect(desk.ask()).rejects.toMatchObject({ code: 'RELEASE_REFUSED' })
    expect(desk.waited).toEqual([60_000, 60_000])
    const slow = deskThatAnswers([409, '151'], [200])
    await expect(slow.ask()).rejects.toMatchObject({ code: 'RELEASE_REFUSED' })
    expect(slow.waited).toEqual([])
  })

  test('who takes long for each answer is not asked for longer', async () => {
    const desk = slowDesk(70_000, [409, '0'])
    await expect(desk.ask()).rejects.toMatchObject({ code: 'RELEASE_REFUSED' })
    expect(desk.shown).toHaveLength(3)
  })

  test.each<[number, string | undefined]>([
    [409, undefined],
    [409, ''],
    [409, '-5'],
    [409, '1e3'],
    [409, 'Thu, 01 Jan 2026 00:00:00 GMT'],
    [403, '5'],
    [502, '5'],
    [302, '5'],
  ])('has said no with %i and Retry-After %s', async (status, after) => {
    const desk = deskThatAnswers([status, after], [200])
    await expect(desk.ask()).rejects.toMatchObject({
      code: 'RELEASE_REFUSED',
      message: `release: expected 200, got status ${status}`,
    })
    expect(desk.waited).toEqual([])
  })
})
