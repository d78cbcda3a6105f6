/** How providers have answered lately. From the gateway's own requests only (attack F15). */
export interface ProviderHealth {
  /** Whether requests may go there now; while it recovers, one at a time. */
  isOpenFor(agentId: bigint): boolean
  /** A request goes out. */
  began(agentId: bigint): void
  /** Its answer began after so long. */
  answered(agentId: bigint, ms: number): void
  /** It was whole, with so many bytes in so long. */
  delivered(agentId: bigint, bytes: number, ms: number): void
  /** It failed through no fault of the caller. */
  failed(agentId: bigint): void
  /** It was given up without a word about the provider. */
  left(agentId: bigint): void
  /** What is known of it, smoothed; undefined before the first answer. */
  of(agentId: bigint): { readonly latencyMs?: number; readonly bytesPerSecond?: number }
}

interface Record {
  latencyMs?: number
  bytesPerSecond?: number
  failures: number
  underWay: number
  /** Nothing goes there before this; then one request at a time, until one succeeds. */
  closedUntilMs: number
  isRecovering: boolean
  pauses: number
}

/** Failures in a row that close a provider. */
const FAILURES_TO_CLOSE = 3
const FIRST_PAUSE_MS = 5_000
const MAX_PAUSE_MS = 5 * 60_000
/** Weight of the latest measurement. */
const SMOOTHING = 0.2

/** A circuit breaker and two averages for each provider; there are no more of them than the directory follows. */
export function createProviderHealth(now: () => Date): ProviderHealth {
  const records = new Map<bigint, Record>()
  const recordOf = (agentId: bigint): Record => {
    const known = records.get(agentId)
    if (known !== undefined) return known
    const fresh = { failures: 0, underWay: 0, closedUntilMs: 0, isRecovering: false, pauses: 0 }
    records.set(agentId, fresh)
    return fresh
  }
  return {
    isOpenFor: (agentId) => {
      const record = records.get(agentId)
      if (record === undefined || !record.isRecovering) return true
      return now().getTime() >= record.closedUntilMs && record.underWay === 0
    },
    began: (agentId) => void recordOf(agentId).underWay++,
    answered: (agentId, ms) => {
      const record = recordOf(agentId)
      record.latencyMs = smooth(record.latencyMs, ms)
      // Others may be sent there again; that it can be relied on shows at the end of an answer.
      record.isRecovering = false
    },
    delivered: (agentId, bytes, ms) => {
      const record = recordOf(agentId)
      record.underWay--
      record.failures = 0
      record.pauses = 0
      record.bytesPerSecond = smooth(record.bytesPerSecond, (bytes * 1000) / Math.max(ms, 1))
    },
    failed: (agentId) => {
      const record = recordOf(agentId)
      record.underWay--
      record.failures++
      if (record.failures < FAILURES_TO_CLOSE && !record.isRecovering) return
      const pause = Math.min(FIRST_PAUSE_MS * 2 ** record.pauses, MAX_PAUSE_MS)
      record.pauses++
      record.isRecovering = true
      record.closedUntilMs = now().getTime() + pause
    },
    left: (agentId) => void recordOf(agentId).underWay--,
    of: (agentId) => {
      const { latencyMs, bytesPerSecond } = records.get(agentId) ?? {}
      return {
        ...(latencyMs === undefined ? {} : { latencyMs }),
        ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }),
      }
    },
  }
}

function smooth(average: number | undefined, value: number): number {
  return average === undefined ? value : average + SMOOTHING * (value - average)
}
