import { setTimeout as delay } from 'node:timers/promises'
import { toBareHex } from '@jeju/verifier/protocol'
import { NodeError } from '../http/node-error.ts'
import type { Logger } from '../logging.ts'
import { backoffMs } from './backoff.ts'
import { createTokenBucket } from './token-bucket.ts'

/** Who asks: this node for its registration, or a stranger for whatever reason. */
export type ProofUse = 'own' | 'challenge'

/** Proofs by hardware that makes one at a time. */
export interface ProofQueue<Proof> {
  /**
   * A proof over these bytes; the same bytes asked twice while one is made are one proof.
   * @throws NodeError `attestation_busy`, and whatever the maker throws
   */
  ask(data: Uint8Array, use: ProofUse): Promise<Proof>
  /** False after proofs have failed: this node could not prove itself to anybody. */
  readonly healthy: boolean
  /** What the last proof failed with; undefined since one was made. */
  readonly failure: unknown
  /** While proofs fail, tries one now and then until the signal, so that the node comes back by itself. */
  watch(signal: AbortSignal): Promise<void>
}

/** Collaborators of {@link createProofQueue}. */
export interface ProofQueueParts<Proof> {
  readonly make: (data: Uint8Array) => Promise<Proof>
  /** Bytes that mean nothing to anybody. */
  readonly probe: () => Uint8Array
  /** What is logged when proofs fail, and when they are made again. */
  readonly texts: { readonly failing: string; readonly again: string }
  readonly logger: Logger
  readonly now: () => Date
}

/** Challenges that may wait; the hardware makes one proof at a time, and each costs it tens of milliseconds. */
export const MAX_WAITING_CHALLENGES = 16
/** A challenge that waited longer is refused when its turn comes: whoever asked has left. */
const MAX_WAIT_MS = 30_000
/** What strangers may have of the hardware's time: a burst, then so many a second. */
const CHALLENGE_BURST = 64
const CHALLENGES_PER_SECOND = 8
/** One failure is a restart of the agent, which a caller repeats; more are an outage. */
const FAILURES_UNTIL_UNHEALTHY = 2
const WATCH_MS = 500
const PROBE_TIMES = { firstMs: 1_000, maxMs: 30_000 }

interface Job {
  readonly use: ProofUse
  readonly run: () => Promise<void>
}

/**
 * A queue before the hardware. This node's own proofs go first and are never refused, so that a flood of challenges
 * cannot keep it from renewing its registration.
 */
export function createProofQueue<Proof>({
  make,
  probe,
  texts,
  logger,
  now,
}: ProofQueueParts<Proof>): ProofQueue<Proof> {
  const nowMs = (): number => now().getTime()
  const underWay = new Map<string, Promise<Proof>>()
  const jobs: Job[] = []
  const bucket = createTokenBucket(CHALLENGE_BURST, CHALLENGES_PER_SECOND, nowMs)
  let working = false
  let failures = 0
  let failure: unknown

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
  const counted = async (data: Uint8Array): Promise<Proof> => {
    try {
      const proof = await make(data)
      failures = 0
      failure = undefined
      return proof
    } catch (error) {
      failures++
      failure = error
      if (failures === FAILURES_UNTIL_UNHEALTHY) logger.error(texts.failing)
      throw error
    }
  }
  const enqueue = (data: Uint8Array, use: ProofUse): Promise<Proof> => {
    const asked = nowMs()
    return new Promise((resolve, reject) => {
      const run = async (): Promise<void> => {
        if (use === 'challenge' && nowMs() - asked > MAX_WAIT_MS) return reject(busy())
        await counted(data).then(resolve, reject)
      }
      jobs.push({ use, run })
      void work()
    })
  }
  const ask: ProofQueue<Proof>['ask'] = (data, use) => {
    const name = toBareHex(data)
    const running = underWay.get(name)
    if (running !== undefined) return running
    const waiting = jobs.filter((job) => job.use === 'challenge').length + (working ? 1 : 0)
    if (use === 'challenge' && (waiting >= MAX_WAITING_CHALLENGES || !bucket.take())) {
      return Promise.reject(busy())
    }
    const mine = enqueue(data.slice(), use).finally(() => underWay.delete(name))
    underWay.set(name, mine)
    return mine
  }
  return {
    ask,
    get healthy() {
      return failures < FAILURES_UNTIL_UNHEALTHY
    },
    get failure() {
      return failure
    },
    watch: async (signal) => {
      while (!signal.aborted) {
        const ill = failures >= FAILURES_UNTIL_UNHEALTHY
        const wait = ill
          ? backoffMs(failures - FAILURES_UNTIL_UNHEALTHY + 1, PROBE_TIMES)
          : WATCH_MS
        await delay(wait, undefined, { signal }).catch(() => undefined)
        if (signal.aborted || failures < FAILURES_UNTIL_UNHEALTHY) continue
        await ask(probe(), 'own').then(
          () => logger.info(texts.again),
          () => undefined,
        )
      }
    },
  }
}

function busy(): NodeError {
  return new NodeError('attestation_busy', 'too many proofs are waiting')
}
