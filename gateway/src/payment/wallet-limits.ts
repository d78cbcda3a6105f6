import type { Hex } from '@jeju/verifier/protocol'
import { GatewayError } from '../http/gateway-error.ts'
import { BoundedMap } from './bounded-map.ts'

/** How much one wallet may ask of this gateway. */
export interface WalletLimits {
  /**
   * Counts a request of a wallet; returns what ends it.
   * @throws GatewayError `rate_limited`
   */
  enter(wallet: Hex): () => void
}

/** Numbers of {@link createWalletLimits}. */
export interface WalletLimitOptions {
  /** Requests that may begin in a minute, and at once after a pause. */
  readonly requestsPerMinute: number
  /** Requests under way. */
  readonly concurrent: number
}

interface Wallet {
  /** Requests that may begin now. */
  left: number
  atMs: number
  underWay: number
}

const MINUTE_MS = 60_000
/** Wallets that are remembered; each of them holds a channel with locked money. */
const MAX_WALLETS = 50_000

/** Limits by the wallet that pays, whatever its channels and session keys. */
export function createWalletLimits(options: WalletLimitOptions, now: () => Date): WalletLimits {
  const { requestsPerMinute, concurrent } = options
  const wallets = new BoundedMap<Hex, Wallet>(MAX_WALLETS)
  return {
    enter: (address) => {
      const nowMs = now().getTime()
      const known = wallets.get(address)
      const wallet = known ?? { left: requestsPerMinute, atMs: nowMs, underWay: 0 }
      const refilled = ((nowMs - wallet.atMs) / MINUTE_MS) * requestsPerMinute
      wallet.left = Math.min(requestsPerMinute, wallet.left + Math.max(0, refilled))
      wallet.atMs = nowMs
      wallets.set(address, wallet)
      if (wallet.underWay >= concurrent) {
        throw new GatewayError('rate_limited', `wallet: ${concurrent} requests are under way`, {
          retryAfterS: 1,
        })
      }
      if (wallet.left < 1) {
        const waitMs = ((1 - wallet.left) / requestsPerMinute) * MINUTE_MS
        throw new GatewayError('rate_limited', `wallet: ${requestsPerMinute} requests a minute`, {
          retryAfterS: Math.ceil(waitMs / 1000),
        })
      }
      wallet.left--
      wallet.underWay++
      let entered = true
      return () => {
        if (entered) wallet.underWay--
        entered = false
      }
    },
  }
}
