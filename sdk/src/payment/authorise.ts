import {
  authDigest,
  feeOf,
  MAX_AUTH_LIFE_S,
  randomBytes32,
  requestHash,
  signDigest,
  signVoucher,
  toHex,
  type ContractDomain,
  type Hex,
  type PromptPath,
  type SignedRequestAuth,
} from '@jeju/verifier/protocol'
import type { PriceRecord } from '../chain/chain-reader.ts'
import type { Reservation } from './channel-book.ts'

/**
 * How long an authorisation can be used: as long as a node allows, less what clocks may differ by. A node that has started
 * again refuses whatever ends within an hour of its start, so that a shorter life would keep it waiting longer.
 */
const AUTH_LIFE_S = MAX_AUTH_LIFE_S - 60n

/** A chat template adds tokens of its own; the node's receipt is held to the same bound. */
const MAX_TEMPLATE_TOKENS = 1024

/** What bounds the price of a request. */
export interface RequestBounds {
  /** Undefined where it sets no limit. */
  readonly maxTokens: number | undefined
  /** Bytes. */
  readonly body: { readonly length: number }
}

/**
 * The most this request can cost at this price, wei: no token of text is shorter than a byte of the body, and no
 * answer longer than asked for or than the price allows. Never above `cap`.
 */
export function maxFeeOf(request: RequestBounds, price: PriceRecord, cap: bigint): bigint {
  const { maxTokens, body } = request
  const output = Math.min(maxTokens ?? price.maxOutputTokens, price.maxOutputTokens)
  const bound = feeOf(price, body.length + MAX_TEMPLATE_TOKENS, output)
  return bound < cap ? bound : cap
}

/**
 * Signs what may be charged for exactly these bytes at exactly this binding (docs/protocol.md §5), with the voucher that
 * pays it where the channel is paid so (§5.2).
 */
export function authorise(options: {
  readonly path: PromptPath
  /** As it is sent: sealed, where it is sealed. */
  readonly body: Uint8Array
  readonly reservation: Reservation
  readonly bindingId: Hex
  readonly serving: ContractDomain
  readonly now: Date
}): SignedRequestAuth {
  const { path, body, reservation, bindingId, serving, now } = options
  // Nonce word and salt are random, never counted from a clock (attacks P32, T8).
  const salt = toHex(randomBytes32())
  const auth = {
    channelId: reservation.channel.channelId,
    nonce: reservation.channel.nonces.next(),
    bindingId,
    requestHash: requestHash(salt, 'POST', path, body),
    maxFee: reservation.maxFee,
    validUntil: BigInt(Math.floor(now.getTime() / 1000)) + AUTH_LIFE_S,
  }
  const { channel, cumulative } = reservation
  const { channelId, sessionKey } = channel
  const signature = signDigest(authDigest(auth, serving), sessionKey)
  if (cumulative === undefined) return { auth, salt, signature }
  const voucher = signVoucher({ channelId, cumulative }, serving, sessionKey)
  return { auth, salt, signature, voucher }
}
