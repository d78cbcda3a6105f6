import { objectionToPrice, type Preferences } from '@jeju/verifier/routing'
import { SdkError, authorise, maxFeeOf, type ChannelBook } from '@jeju/sdk/payment'
import { encodeAuthorization, type ContractDomain, type Hex } from '@jeju/verifier/protocol'
import { takesPlain } from '../admission/lease.ts'
import type { Attempt, Proposal } from '../exchange/funding.ts'
import { GatewayError } from '../http/gateway-error.ts'
import type { Logger } from '../logging.ts'
import { withinFallbacks, type Candidate } from '../routing/candidate.ts'
import type { Router } from '../routing/router.ts'
import type { GatewayStore } from '../store/gateway-store.ts'
import type { ExactVouchers } from './exact-vouchers.ts'
import { cappedPurse, type Purse } from './purse.ts'
import type { PaidPrompt } from './read-prompt.ts'

/** Pays nodes out of the gateway's own channels, for callers who pay the gateway or whom it lets have a budget. */
export interface Sponsor {
  /** The gateway's paying wallet, lower case. */
  readonly wallet: Hex
  /** The most one request may cost, wei. */
  readonly maxFeePerRequest: bigint
  /**
   * Verified nodes that can answer a prompt, and that a plain one reaches unread.
   * @throws GatewayError `provider_not_admitted`, and those of preferences
   */
  candidates(prompt: PaidPrompt, preferences: Preferences): Promise<readonly Candidate[]>
  /** What a prompt can cost at a candidate at most, wei. */
  maxFeeAt(prompt: PaidPrompt, candidate: Candidate): bigint
  /** A proposal to pay each of them; all together never with more than `cap` and what the purse has. */
  propose(
    prompt: PaidPrompt,
    candidates: readonly Candidate[],
    purse: Purse,
    cap: bigint,
  ): readonly Proposal[]
}

/** What {@link createSponsor} needs. */
export interface SponsorParts {
  readonly channels: Pick<ChannelBook, 'reserve' | 'doubt'>
  readonly exact: ExactVouchers
  readonly wallet: Hex
  readonly serving: ContractDomain
  readonly maxFeePerRequest: bigint
  readonly route: Router
  readonly fees: GatewayStore['fees']
  readonly logger: Logger
  readonly now: () => Date
}

/** Candidates that are tried for one request, as far as each that does not answer leaves something to pay the next. */
const MAX_CANDIDATES = 3

/** A sponsor with these channels. Signs only for nodes that have a lease, and right before they are asked. */
export function createSponsor(parts: SponsorParts): Sponsor {
  const { channels, exact, wallet, serving, maxFeePerRequest, route, fees, logger, now } = parts
  const maxFeeAt = (prompt: PaidPrompt, { model, price }: Candidate): bigint =>
    maxFeeOf(prompt.boundsWith(model.id), price, maxFeePerRequest)

  const pay = async (
    prompt: PaidPrompt,
    candidate: Candidate,
    purse: Purse,
    cap: bigint,
  ): Promise<Attempt> => {
    const { lease, serviceId } = candidate
    const { agentId, bindingId } = lease
    const bound = maxFeeAt(prompt, candidate)
    const most = bound < cap ? bound : cap
    const asked = prompt.forModel(candidate.model.id)
    await purse.take(most)
    try {
      // The channel's own price version may be an older one; more than was taken is not signed for.
      const reservation = await channels.reserve({ agentId, serviceId, bindingId }, (price) =>
        maxFeeOf(asked, requirePrice(price, prompt), most),
      )
      const { path, body } = asked
      const signed = authorise({ path, body, reservation, bindingId, serving, now: now() })
      const { channel } = reservation
      const spent = (fee: bigint): void => {
        fees.add(channel.channelId, fee)
        purse.giveBack(most - fee)
      }
      return {
        ...candidate,
        price: channel.price,
        wallet,
        offer: { signed, text: encodeAuthorization(signed) },
        body: Buffer.from(body.buffer, body.byteOffset, body.length),
        reserved: {
          charged: (fee) => {
            reservation.charged(fee)
            spent(fee)
            if (reservation.cumulative !== undefined) exact.due(channel, lease)
          },
          released: () => {
            reservation.released()
            channels.doubt(channel)
            if (reservation.cumulative !== undefined) exact.due(channel, lease)
            purse.giveBack(most)
          },
        },
      }
    } catch (error) {
      purse.giveBack(most)
      if (error instanceof GatewayError && error.code === 'no_provider_allowed') throw error
      if (!(error instanceof SdkError) && !(error instanceof GatewayError)) throw error
      logger.warn({ agentId: agentId.toString(), code: error.code }, 'a channel cannot pay')
      throw new GatewayError('sponsor_unavailable', 'the gateway cannot pay a node now', {
        retryAfterS: 5,
      })
    }
  }
  return {
    wallet,
    maxFeePerRequest,
    maxFeeAt,
    candidates: async (prompt, preferences) => {
      const { models: _, ...others } = preferences
      const routed = await route(prompt.models, others)
      // What this gateway was told in confidence it passes on to verified parties only.
      const found = routed.filter(({ lease }) => takesPlain(lease))
      if (found.length === 0) {
        throw new GatewayError('provider_not_admitted', 'no verified node offers that model now', {
          retryAfterS: 2,
        })
      }
      return withinFallbacks(found, preferences).slice(0, MAX_CANDIDATES)
    },
    propose: (prompt, candidates, purse, cap) => {
      const capped = cappedPurse(purse, cap)
      return candidates.map((candidate) => ({
        ...candidate,
        authorise: () => pay(prompt, candidate, capped, cap),
      }))
    },
  }
}

/**
 * The price that is charged: a channel keeps that of its opening, and a new one has that of now, while the route was chosen
 * by what the registry last said.
 * @throws GatewayError `no_provider_allowed`
 */
function requirePrice<Price extends Candidate['price']>(
  price: Price,
  { maxPrice }: PaidPrompt,
): Price {
  const param = objectionToPrice(price, maxPrice)
  if (param === undefined) return price
  throw new GatewayError('no_provider_allowed', `${param}: no provider is left`, { param })
}
