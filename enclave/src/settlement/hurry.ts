import type { Hex } from '@jeju/verifier/protocol'
import type { Journal } from '../payment/journal.ts'
import type { ReleaseHolds } from '../payment/release-holds.ts'

/**
 * Channels whose receipts are settled before they are worth it, because their user asked for the release and nothing is
 * released before they are paid. A user must not make the node spend what it earns, so: only the channel's own key asks,
 * what is settled brings its own gas at least, once an hour a channel, and in one transaction a minute for all of them.
 */
export interface Hurry {
  /** Whether {@link Hurry.take} would name a channel. */
  readonly isDue: boolean
  /** Channels that may be settled by themselves now; each is named again after a while. */
  take(): ReadonlySet<Hex>
  /** A transaction with receipts of these was sent. */
  sent(channels: Iterable<Hex>): void
}

/** Collaborators of {@link createHurry}. */
export interface HurryParts {
  readonly holds: Pick<ReleaseHolds, 'channels'>
  readonly journal: Pick<Journal, 'countsOf'>
  readonly now: () => Date
}

/** What did not bring its gas is tried again after this: gas may be cheaper. */
const RETRY_MS = 60_000
/** A channel that was settled for its release. */
const AGAIN_MS = 3_600_000
/** Between two such transactions, so that many releases share one. */
const PAUSE_MS = 60_000

/** For one settlement queue. */
export function createHurry({ holds, journal, now }: HurryParts): Hurry {
  /** When a channel may be named again, and any at all; milliseconds. */
  const nextMs = new Map<Hex, number>()
  let openAtMs = 0
  const isReady = (channelId: Hex): boolean => {
    const { answering, waiting } = journal.countsOf(channelId)
    // Once for all of its receipts: the last one is there when nothing is being answered.
    const hasAll = waiting > 0 && answering === 0
    return hasAll && (nextMs.get(channelId) ?? 0) <= now().getTime()
  }
  const ready = (): readonly Hex[] =>
    now().getTime() < openAtMs ? [] : holds.channels().filter(isReady)
  return {
    get isDue() {
      return ready().length > 0
    },
    take: () => {
      const nowMs = now().getTime()
      for (const [channelId, at] of nextMs) if (at <= nowMs) nextMs.delete(channelId)
      const taken = new Set(ready())
      for (const channelId of taken) nextMs.set(channelId, nowMs + RETRY_MS)
      return taken
    },
    sent: (channels) => {
      const nowMs = now().getTime()
      openAtMs = nowMs + PAUSE_MS
      for (const channelId of channels) nextMs.set(channelId, nowMs + AGAIN_MS)
    },
  }
}
