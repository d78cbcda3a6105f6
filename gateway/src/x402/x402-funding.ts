import type { ReceiptSignatures } from '@jeju/verifier'
import type { Dues, FundingSource, Plan } from '../exchange/funding.ts'
import { GatewayError } from '../http/gateway-error.ts'
import type { Logger } from '../logging.ts'
import type { Candidate } from '../routing/candidate.ts'
import { bothPurses, dailyPurse, reachable, type Purse } from '../sponsor/purse.ts'
import { readPrompt } from '../sponsor/read-prompt.ts'
import type { Sponsor } from '../sponsor/sponsor.ts'
import type { SharedState } from '../state/shared-state.ts'
import type { Facilitator } from './facilitator.ts'
import {
  encodeHeader,
  PAYMENT_RESPONSE_HEADER,
  PAYMENT_SIGNATURE_HEADER,
  paymentRequired,
  readPayment,
  requirementsOf,
  requireOurs,
  resourceOf,
  type Payment,
} from './payment.ts'
import { isSignedByPayer } from './payment-signature.ts'
import { createVerifyLimits } from './verify-limits.ts'
import type { X402Settings } from './x402-settings.ts'

/** What {@link createX402Funding} needs. */
export interface X402FundingParts {
  readonly settings: X402Settings
  readonly sponsor: Sponsor
  readonly facilitator: Facilitator
  readonly shared: Pick<SharedState, 'budgets' | 'once'>
  readonly signatures: Pick<ReceiptSignatures, 'recoverAddress'>
  readonly logger: Logger
  readonly now: () => Date
}

const WEI_PER_ETHER = 10n ** 18n
/** Remembered beyond the end of a payment, in case clocks differ. */
const NONCE_MARGIN_MS = 10 * 60_000
/** Before a payment ends: what a settlement takes with its second try, and a clock that is behind. */
const SETTLING_MS = 180_000
/** Names what requests cost whose payment failed. */
const UNPAID = 'x402:unpaid'

/**
 * Anybody, for a payment of its own: checked before a node is asked, settled when the answer is verified and before
 * it is whole (docs/protocol.md §8). The last of the ways of paying, and the only one that says how.
 */
export function createX402Funding(parts: X402FundingParts): FundingSource {
  const { settings, sponsor, facilitator, signatures, now } = parts
  const limits = createVerifyLimits()
  const verified = (payment: Payment): Promise<void> =>
    facilitator.verify(payment, requirementsOf(settings, payment.amount))
  return async (headers, path) => {
    const header = headers[PAYMENT_SIGNATURE_HEADER]
    const payment =
      typeof header === 'string' ? readPayment(header, resourceOf(settings, path)) : undefined
    const nowS = BigInt(Math.floor(now().getTime() / 1000))
    if (payment !== undefined) requireOurs(payment, settings, nowS)
    const isSigned = payment !== undefined && isSignedByPayer(payment, settings, signatures)
    return {
      plan: async (body, preferences): Promise<Plan> => {
        const prompt = readPrompt(body, path, headers, preferences)
        const priced = pricedBy(await sponsor.candidates(prompt, preferences), (candidate) =>
          amountOf(sponsor.maxFeeAt(prompt, candidate), settings),
        )
        const affordable = priced.filter(({ amount }) => amount <= settings.maxAmount)
        // The cheapest is enough to be answered; whoever pays more has more nodes to fall back on.
        const [cheapest] = affordable.map(({ amount }) => amount).toSorted(byAmount)
        if (cheapest === undefined) {
          const text = `price: more than ${settings.maxAmount} units; ask for fewer tokens`
          throw new GatewayError('price_too_high', text)
        }
        if (payment === undefined) {
          const text = `${PAYMENT_SIGNATURE_HEADER.toUpperCase()} header is required`
          throw paymentRequired(settings, path, cheapest, text)
        }
        const paid = affordable.filter(({ amount }) => amount <= payment.amount)
        if (paid.length === 0) {
          const text = `amount: expected ${cheapest} at least, got ${payment.amount}`
          throw paymentRequired(settings, path, cheapest, text)
        }
        // Anybody can name a contract, which would be held to limits and lose a nonce: it is asked before them.
        if (!isSigned) await limits.run(payment.from, () => verified(payment))
        const unpaid = unpaidPurse(payment, parts)
        const dues = duesOf(payment, unpaid, parts)
        const candidates = paid.map(({ candidate }) => candidate)
        return {
          // Of a payer who has signed: anybody can name another, who would be held to these limits.
          payer: `x402:${payment.from}`,
          admit: async () => {
            if (!isSigned) return requireFirst(payment, parts)
            return limits.run(payment.from, async () => {
              await requireFirst(payment, parts)
              await verified(payment)
            })
          },
          proposals: sponsor.propose(prompt, candidates, unpaid, worthOf(payment, settings)),
          dues,
          abandon: async () => {
            // What cannot be taken stays counted, and has been logged.
            if (unpaid.isOwed()) await dues.collect().catch(() => undefined)
          },
        }
      },
    }
  }
}

/** A nonce is used at one replica, before a node is asked: settling it twice would fail when the answer is there. */
async function requireFirst(
  payment: Payment,
  { settings, shared }: X402FundingParts,
): Promise<void> {
  const { from, nonce, validBefore } = payment
  const name = `x402:${settings.chainId}:${settings.asset.address}:${from}:${nonce}`
  const untilMs = Number(validBefore) * 1000 + NONCE_MARGIN_MS
  if (await reachable(shared.once(name, untilMs))) return
  throw new GatewayError('payment_failed', 'payment: its nonce was used')
}

/** A payment that is settled when its answer is verified, and before it ends: that takes a while itself. */
function duesOf(payment: Payment, unpaid: UnpaidPurse, parts: X402FundingParts): Dues {
  let collected: ReturnType<Dues['collect']> | undefined
  return {
    collect: () => (collected ??= collect(payment, unpaid, parts)),
    headers: [PAYMENT_RESPONSE_HEADER],
    msLeft: () => Number(payment.validBefore) * 1000 - SETTLING_MS - parts.now().getTime(),
  }
}

async function collect(
  payment: Payment,
  unpaid: UnpaidPurse,
  { settings, facilitator, logger }: X402FundingParts,
): Promise<Readonly<Record<string, string>>> {
  try {
    const settlement = await facilitator.settle(payment, requirementsOf(settings, payment.amount))
    unpaid.settled()
    return { [PAYMENT_RESPONSE_HEADER]: encodeHeader(settlement) }
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    logger.warn({ code: error.code }, 'an answer was not paid, and not given out')
    throw error
  }
}

/** What was set aside for a request until it is paid, and stays spent where it is not. */
interface UnpaidPurse extends Purse {
  settled(): void
  /** Whether a node may have been paid by the latest attempt. */
  isOwed(): boolean
}

/**
 * Whoever shows a payment can still spend its money elsewhere before it is settled, or name nodes of its own that sign
 * and stay silent. What that may cost in a day is bounded; of what is settled only the attempt that it pays counts no
 * more.
 */
function unpaidPurse(
  { from }: Payment,
  { settings, sponsor, shared, now }: X402FundingParts,
): UnpaidPurse {
  const limit = settings.unpaidPerDay
  // No payer takes all of it from the others; a tenth, or one request however dear.
  const tenth = limit / 10n
  const share = tenth > sponsor.maxFeePerRequest ? tenth : sponsor.maxFeePerRequest
  const purse = bothPurses(
    dailyPurse(shared.budgets, { account: `${UNPAID}:${from}`, limit: share }, now),
    dailyPurse(shared.budgets, { account: UNPAID, limit }, now),
  )
  // Attempts follow each other, and the latest is the one that is answered.
  let latest = 0n
  const giveBack = (amount: bigint): void => {
    const back = amount < latest ? amount : latest
    latest -= back
    purse.giveBack(back)
  }
  return {
    take: async (amount) => {
      latest = 0n
      await purse.take(amount)
      latest = amount
    },
    giveBack,
    settled: () => giveBack(latest),
    isOwed: () => latest > 0n,
  }
}

interface Priced {
  readonly candidate: Candidate
  readonly amount: bigint
}

function pricedBy(
  candidates: readonly Candidate[],
  priceOf: (candidate: Candidate) => bigint,
): readonly Priced[] {
  return candidates.map((candidate) => ({ candidate, amount: priceOf(candidate) }))
}

/** Units for the most that a request can cost, rounded up; never nothing. */
function amountOf(maxFee: bigint, { unitsPerEther }: X402Settings): bigint {
  const units = (maxFee * unitsPerEther + WEI_PER_ETHER - 1n) / WEI_PER_ETHER
  return units > 0n ? units : 1n
}

/** What a payment buys, wei: one attempt at its price, and more only where it pays for them. */
function worthOf({ amount }: Payment, { unitsPerEther }: X402Settings): bigint {
  return (amount * WEI_PER_ETHER) / unitsPerEther
}

function byAmount(a: bigint, b: bigint): number {
  return a < b ? -1 : Number(a > b)
}
