import { setTimeout as delay } from 'node:timers/promises'
import { randomBytes32, toBareHex, concatBytes } from '@jeju/verifier/protocol'
import type { GuestAgent, PlatformQuote } from '../guest-agent/guest-agent.ts'
import { NodeError } from '../http/node-error.ts'
import type { Logger } from '../logging.ts'
import { backoffMs } from './backoff.ts'
import { createTokenBucket } from './token-bucket.ts'

/** Who asks: this node for its registration, or a stranger for whatever reason. */
export type QuoteUse = 'own' | 'challenge'

/** The platform's quotes, of which it makes one at a time. */
export interface Quotes {
  /**
   * A quote over these 64 bytes; the same bytes asked twice are one quote.
   * @throws NodeError `attestation_busy`, GuestAgentError
   */
  quote(reportData: Uint8Array, use: QuoteUse): Promise<PlatformQuote>
  /** False after quotes have failed: this node could not prove itself to anybody. */
  readonly healthy: boolean
  /** While quotes fail, tries one now and then until the signal, so that the node comes back by itself. */
  watch(signal: AbortSignal): Promise<void>
}

/** Collaborators of {@link createQuotes}. */
export interface QuotesParts {
  readonly agent: GuestAgent
  readonly logger: Logger
  readonly now: () => Date
}

/** Challenges that may wait; the platform makes one quote at a time, and each costs it tens of milliseconds. */
export const MAX_WAITING_CHALLENGES = 16
/** A challenge that waited longer is refused when its turn comes: whoever asked has left. */
const MAX_WAIT_MS = 30_000
/** What strangers may have of the platform's time: a burst, then so many a second. */
const CHALLENGE_BURST = 64
const CHALLENGES_PER_SECOND = 8
/** One failure is a restart of the agent, which a caller repeats; more are an outage. */
const FAILURES_UNTIL_UNHEALTHY = 2
const WATCH_MS = 500
const PROBE_TIMES = { firstMs: 1_000, maxMs: 30_000 }

interface Job {
  readonly use: QuoteUse
  readonly run: () => Promise<void>
}

/**
 * A queue before the guest agent. This node's own quotes go first and are never refused, so that a flood of challenges
 * cannot keep it from renewing its registration.
 */
export function createQuotes({ agent, logger, now }: QuotesParts): Quotes {
  const nowMs = (): number => now().getTime()
  const underWay = new Map<string, Promise<PlatformQuote>>()
  const jobs: Job[] = []
  const bucket = createTokenBucket(CHALLENGE_BURST, CHALLENGES_PER_SECOND, nowMs)
  let working = false
  let failures = 0

  const work = async (): Promise<void> => {
    if (working) return
    working = true
    for (;;) {
      const own = jobs.findIndex(({ use }) => use === 'own')
      const [job] = jobs.splice(Math.max(own, 0), 1)
      if (job === undefined) break
      await job.run()
    }
    working = false
  }
  const make = async (reportData: Uint8Array): Promise<PlatformQuote> => {
    try {
      const quote = await agent.quote(reportData)
      failures = 0
      return quote
    } catch (error) {
      failures++
      if (failures === FAILURES_UNTIL_UNHEALTHY) logger.error('the platform makes no quotes')
      throw error
    }
  }
  const enqueue = (reportData: Uint8Array, use: QuoteUse): Promise<PlatformQuote> => {
    const asked = nowMs()
    return new Promise((resolve, reject) => {
      const run = async (): Promise<void> => {
        if (use === 'challenge' && nowMs() - asked > MAX_WAIT_MS) return reject(busy())
        await make(reportData).then(resolve, reject)
      }
      jobs.push({ use, run })
      void work()
    })
  }
  const quote: Quotes['quote'] = (reportData, use) => {
    const name = toBareHex(reportData)
    const running = underWay.get(name)
    if (running !== undefined) return running
    const waiting = jobs.filter((job) => job.use === 'challenge').length + (working ? 1 : 0)
    if (use === 'challenge' && (waiting >= MAX_WAITING_CHALLENGES || !bucket.take())) {
      return Promise.reject(busy())
    }
    const mine = enqueue(reportData.slice(), use).finally(() => underWay.delete(name))
    underWay.set(name, mine)
    return mine
  }
  return {
    quote,
    get healthy() {
      return failures < FAILURES_UNTIL_UNHEALTHY
    },
    watch: async (signal) => {
      while (!signal.aborted) {
        const ill = failures >= FAILURES_UNTIL_UNHEALTHY
        const wait = ill
          ? backoffMs(failures - FAILURES_UNTIL_UNHEALTHY + 1, PROBE_TIMES)
          : WATCH_MS
        await delay(wait, undefined, { signal }).catch(() => undefined)
        if (signal.aborted || failures < FAILURES_UNTIL_UNHEALTHY) continue
        // Bytes that mean nothing in any dialect, and leave this process with nobody.
        const probe = concatBytes(randomBytes32(), randomBytes32())
        await quote(probe, 'own').then(
          () => logger.info('the platform makes quotes again'),
          () => undefined,
        )
      }
    },
  }
}

function busy(): NodeError {
  return new NodeError('attestation_busy', 'too many quotes are waiting')
}
