import { GatewayError } from '../http/gateway-error.ts'
import {
  StateError,
  type Entrance,
  type SharedState,
  type WalletLimit,
} from '../state/shared-state.ts'

/** How much one wallet may ask of this gateway. */
export interface WalletLimits {
  /**
   * Counts a request of a wallet, or of an account; returns what ends it.
   * @throws GatewayError `rate_limited`
   */
  enter(wallet: string): Promise<() => void>
}

/**
 * Limits that all replicas count together. While the shared store is away each replica counts for itself: what these
 * limits guard is a fair share of the nodes, never money.
 */
export function createWalletLimits(
  { requestsPerMinute, concurrent }: WalletLimit,
  shared: Pick<SharedState, 'enter'>,
  alone: (wallet: string) => Entrance,
): WalletLimits {
  return {
    enter: async (wallet) => {
      const entrance = await shared.enter(wallet).catch((error: unknown) => {
        if (error instanceof StateError) return alone(wallet)
        throw error
      })
      if (entrance.entered) return entrance.leave
      const text =
        entrance.because === 'concurrency'
          ? `wallet: ${concurrent} requests are under way`
          : `wallet: ${requestsPerMinute} requests a minute`
      throw new GatewayError('rate_limited', text, {
        retryAfterS: Math.ceil(entrance.waitMs / 1000),
      })
    },
  }
}
