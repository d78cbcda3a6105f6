import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { Hex } from '@jeju/verifier/protocol'
import { z } from 'zod'
import { GatewayError } from '../http/gateway-error.ts'
import { readLimited } from '../http/read-limited.ts'
import {
  encodeHeader,
  payloadOf,
  PAYMENT_RESPONSE_HEADER,
  X402_VERSION,
  type Payment,
  type PaymentRequirements,
} from './payment.ts'

/** Whoever checks payments and brings them to their chain (x402 v2, facilitator). */
export interface Facilitator {
  /**
   * Whether the payment would move.
   * @throws GatewayError `payment_failed`, `facilitator_unavailable`
   */
  verify(payment: Payment, requirements: PaymentRequirements): Promise<void>
  /**
   * Moves it, and answers what goes into the answer's header.
   * @throws GatewayError `payment_failed`, `facilitator_unavailable`
   */
  settle(payment: Payment, requirements: PaymentRequirements): Promise<Settlement>
}

/** A payment that has moved. */
export interface Settlement {
  readonly success: true
  readonly transaction: string
  readonly network: string
  readonly payer: string
}

/** A payment as its token moves it. */
export interface Moved {
  readonly asset: Hex
  readonly from: Hex
  readonly to: Hex
  /** Smallest units. */
  readonly amount: bigint
  readonly nonce: Hex
}

/** The transaction in which a token moved exactly this; undefined where the chain shows none. */
export type FindSettlement = (moved: Moved) => Promise<Hex | undefined>

/** Where a facilitator said nothing clear, the chain is looked at so long after: what it sent may not be in a block yet. */
const LOOK_AFTER_MS = [0, 2_000, 4_000]

const VERIFY_TIMEOUT_MS = 10_000
/** A block, and what is needed until it is seen. */
const SETTLE_TIMEOUT_MS = 60_000
const MAX_ANSWER_BYTES = 65_536

const verified = z.looseObject({
  isValid: z.boolean(),
  invalidReason: z.string().max(256).optional(),
  payer: z.string().optional(),
})
const settled = z.looseObject({
  success: z.boolean(),
  errorReason: z.string().max(256).optional(),
  transaction: z.string().max(128),
  network: z.string().max(64),
  payer: z.string().optional(),
})

/**
 * A facilitator by its HTTP interface. Whatever it does not say clearly is a refusal, unless the chain says it: nothing
 * is served on a guess.
 */
export function createFacilitator(
  url: string,
  ask: typeof fetch,
  find?: FindSettlement,
  lookAfterMs: readonly number[] = LOOK_AFTER_MS,
): Facilitator {
  const post = async <Answer>(
    name: string,
    body: string,
    timeoutMs: number,
    shape: z.ZodType<Answer>,
  ): Promise<Answer> => {
    try {
      const response = await ask(`${url}/${name}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body,
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      })
      const bytes = response.body === null ? undefined : await read(response.body)
      // Facilitators answer a payment that they refuse with 200 or with an error status; the document decides.
      return shape.parse(JSON.parse(bytes?.toString('utf8') ?? ''))
    } catch {
      throw new GatewayError('facilitator_unavailable', 'payments cannot be checked now', {
        retryAfterS: 5,
      })
    }
  }
  const bodyOf = (payment: Payment, paymentRequirements: PaymentRequirements): string => {
    const paymentPayload = payloadOf(payment, paymentRequirements)
    return JSON.stringify({ x402Version: X402_VERSION, paymentPayload, paymentRequirements })
  }

  const look = async (
    { from, to, amount, nonce }: Payment,
    { asset }: PaymentRequirements,
  ): Promise<Hex | undefined> => {
    if (find === undefined) return undefined
    for (const ms of lookAfterMs) {
      await delay(ms)
      const found = await find({ asset, from, to, amount, nonce }).catch(() => undefined)
      if (found !== undefined) return found
    }
    return undefined
  }

  return {
    verify: async (payment, requirements) => {
      const body = bodyOf(payment, requirements)
      const answer = await post('verify', body, VERIFY_TIMEOUT_MS, verified)
      if (!answer.isValid) throw failed(payment, requirements, answer.invalidReason)
      requirePayer(payment, requirements, answer.payer)
    },
    settle: async (payment, requirements) => {
      const body = bodyOf(payment, requirements)
      const settle = async (): Promise<Settlement> => {
        const answer = await post('settle', body, SETTLE_TIMEOUT_MS, settled)
        const { success, transaction, network, errorReason } = answer
        if (!success || network !== requirements.network || transaction === '') {
          throw failed(payment, requirements, errorReason)
        }
        requirePayer(payment, requirements, answer.payer)
        return { success, transaction, network, payer: payment.from }
      }
      // Money may have moved where nothing clear was said: a payment moves once, so it is asked for again.
      return settle().catch((first: unknown) => {
        if (!isUnclear(first)) throw first
        return settle().catch(async (second: unknown) => {
          // Whoever moved it without saying so calls its nonce used now. After a clear refusal the chain is not asked:
          // there, the same payment may have paid another gateway of the same payee.
          const transaction = await look(payment, requirements)
          if (transaction === undefined) throw second
          const { network } = requirements
          return { success: true, transaction, network, payer: payment.from }
        })
      })
    },
  }
}

function isUnclear(error: unknown): boolean {
  return error instanceof GatewayError && error.code === 'facilitator_unavailable'
}

/** Not read to its end where it is too long. */
async function read(body: AsyncIterable<Uint8Array>): Promise<Buffer | undefined> {
  const stream = Readable.from(body)
  try {
    return await readLimited(stream, MAX_ANSWER_BYTES)
  } finally {
    stream.destroy()
  }
}

/** Where a facilitator names the payer, it means the same payment. */
function requirePayer(
  payment: Payment,
  requirements: PaymentRequirements,
  payer: string | undefined,
): void {
  if (payer === undefined || payer.toLowerCase() === payment.from) return
  throw failed(payment, requirements, 'invalid_payload')
}

/** With the header that says so. The protocol's codes are words; anything else is not repeated. */
function failed(
  { from: payer }: Payment,
  { network }: PaymentRequirements,
  reason: string | undefined,
): GatewayError {
  const errorReason = /^[a-z0-9_]{1,80}$/.test(reason ?? '') ? reason : 'unexpected_settle_error'
  const document = { success: false, errorReason, transaction: '', network, payer }
  return new GatewayError('payment_failed', `payment: ${errorReason}`, {
    headers: { [PAYMENT_RESPONSE_HEADER]: encodeHeader(document) },
  })
}
