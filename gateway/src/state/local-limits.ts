import { BoundedMap } from '../bounded-map.ts'
import type { Entrance, WalletLimit } from './shared-state.ts'

interface Wallet {
  /** Requests that may begin now. */
  left: number
  atMs: number
  underWay: number
}

const MINUTE_MS = 60_000
/** How long a wallet waits that has all its requests under way. */
const BUSY_WAIT_MS = 1_000
/** Wallets that are remembered; each of them holds a channel with locked money. */
const MAX_WALLETS = 50_000

/** Limits by the wallet that pays, whatever its channels and session keys, as this process counts alone. */
export function createLocalLimits(
  { requestsPerMinute, concurrent }: WalletLimit,
  now: () => Date,
): (wallet: string) => Entrance {
  const wallets = new BoundedMap<string, Wallet>(MAX_WALLETS)
  return (name) => {
    const nowMs = now().getTime()
    const known = wallets.get(name)
    const wallet = known ?? { left: requestsPerMinute, atMs: nowMs, underWay: 0 }
    const refilled = ((nowMs - wallet.atMs) / MINUTE_MS) * requestsPerMinute
    wallet.left = Math.min(requestsPerMinute, wallet.left + Math.max(0, refilled))
    wallet.atMs = nowMs
    wallets.set(name, wallet)
    if (wallet.underWay >= concurrent) {
      return { entered: false, because: 'concurrency', waitMs: BUSY_WAIT_MS }
    }
    if (wallet.left < 1) {
      const waitMs = ((1 - wallet.left) / requestsPerMinute) * MINUTE_MS
      return { entered: false, because: 'rate', waitMs }
    }
    wallet.left--
    wallet.underWay++
    let isIn = true
    const leave = (): void => {
      if (isIn) wallet.underWay--
      isIn = false
    }
    return { entered: true, leave }
  }
}
