import { NodeError } from '../http/node-error.ts'

/** How much one wallet may ask of a node at once and over time. */
export interface WalletLimits {
  /**
   * Counts a request of a channel; returns what ends it.
   * @throws NodeError `rate_limited`
   */
  enter(channelId: string): () => void
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
/** Wallets that are remembered; the ones that ask for nothing are forgotten first. */
const MAX_WALLETS = 10_000

/** Limits by channel: whoever opens another one locks money for it. */
export function createWalletLimits(options: WalletLimitOptions, now: () => Date): WalletLimits {
  const { requestsPerMinute, concurrent } = options
  const wallets = new Map<string, Wallet>()
  return {
    enter: (channelId) => {
      const nowMs = now().getTime()
      const known = wallets.get(channelId)
      const wallet = known ?? { left: requestsPerMinute, atMs: nowMs, underWay: 0 }
      const refilled = ((nowMs - wallet.atMs) / MINUTE_MS) * requestsPerMinute
      wallet.left = Math.min(requestsPerMinute, wallet.left + Math.max(0, refilled))
      wallet.atMs = nowMs
      if (wallet.underWay >= concurrent) {
        throw new NodeError('rate_limited', `channel: ${concurrent} requests are under way`)
      }
      if (wallet.left < 1) {
        const waitS = Math.ceil((((1 - wallet.left) / requestsPerMinute) * MINUTE_MS) / 1000)
        const text = `channel: more than ${requestsPerMinute} requests a minute`
        throw new NodeError('rate_limited', text, undefined, waitS)
      }
      wallet.left--
      wallet.underWay++
      // Again at the end, so that the one that asked last is the last to be forgotten.
      wallets.delete(channelId)
      wallets.set(channelId, wallet)
      if (wallets.size > MAX_WALLETS) forget(wallets)
      let entered = true
      return () => {
        if (entered) wallet.underWay--
        entered = false
      }
    },
  }
}

function forget(wallets: Map<string, Wallet>): void {
  for (const [channelId, { underWay }] of wallets) {
    if (underWay > 0) continue
    wallets.delete(channelId)
    return
  }
}
