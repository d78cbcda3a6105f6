import { setTimeout as delay } from 'node:timers/promises'
import { backoffMs } from '../../attestation/backoff.ts'

/** Whether the upstream is there, as far as it was asked. */
export interface UpstreamHealth {
  readonly healthy: boolean
  /** What a request shows of it. */
  answered(): void
  failed(): void
  /** Asks it now and then until the signal, so that nobody's request has to find out. */
  watch(signal: AbortSignal): Promise<void>
}

/** How often one that is there is asked. */
const WATCH_MS = 10_000
/** One failure is a connection that broke; more are an outage. */
const FAILURES_UNTIL_ILL = 2
const TIMES = { firstMs: 1_000, maxMs: 10_000 }

/** @param probe throws where the upstream is not there, or is another */
export function createUpstreamHealth(
  probe: (signal: AbortSignal) => Promise<void>,
): UpstreamHealth {
  let failures = 0
  /** Ends the long wait of one that was there. */
  let wake = (): void => undefined
  const failed = (): void => {
    failures++
    wake()
  }
  const answered = (): void => {
    failures = 0
  }
  return {
    get healthy() {
      return failures < FAILURES_UNTIL_ILL
    },
    answered,
    failed,
    watch: async (signal) => {
      while (!signal.aborted) {
        if (failures === 0) {
          const woken = new AbortController()
          wake = () => woken.abort()
          const until = AbortSignal.any([signal, woken.signal])
          await delay(WATCH_MS, undefined, { signal: until }).catch(() => undefined)
        }
        if (failures > 0) {
          await delay(backoffMs(failures, TIMES), undefined, { signal }).catch(() => undefined)
        }
        if (!signal.aborted) await probe(signal).then(answered, failed)
      }
    },
  }
}
