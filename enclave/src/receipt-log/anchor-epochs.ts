import type { Hex } from '@jeju/verifier/protocol'
import { backoffMs } from '../attestation/backoff.ts'
import type { LogChain } from '../chain/log-chain.ts'
import { ChainError } from '../chain/node-chain.ts'
import type { Logger } from '../logging.ts'
import type { LogMetrics } from '../metrics.ts'
import type { Store } from '../storage/store.ts'
import {
  clearAnchored,
  countUnanchored,
  readEpochAt,
  readUnanchored,
  readUnanchoredLogs,
  reopenEpochs,
  updateAnchored,
  type ClosedEpoch,
} from './log-rows.ts'
import { readSent, upsertSent } from './sent-anchors.ts'

/** Collaborators of {@link createAnchoring}. */
export interface AnchoringParts {
  readonly store: Store
  readonly chain: LogChain
  readonly metrics: LogMetrics
  readonly logger: Logger
  readonly now: () => Date
  /** A block this deep, itself counted, is no longer in doubt. */
  readonly confirmations: number
}

/** Brings closed epochs to the chain, in order, and sees that they stay there. */
export interface Anchoring {
  /**
   * One round over the logs that are due, or with `all` over every one. A log that fails waits by itself, with growing pauses, and
   * never for ever: a binding that ran out can be granted again. Says whether the chain could not be asked for one of them.
   */
  round(all: boolean): Promise<boolean>
}

/** What was sent gets this long to come into a block before another is sent in its place, in milliseconds. */
const RESEND_MS = 120_000
const PAUSE = { firstMs: 2_000, maxMs: 900_000 }

/** Anchoring of this node's key. */
export function createAnchoring(parts: AnchoringParts): Anchoring {
  const { store, chain, metrics, logger, now, confirmations } = parts
  const paused = new Map<Hex, { readonly failures: number; readonly untilMs: number }>()

  /**
   * Lets the log go on where the chain ends, which can be before what was taken for anchored: a block was taken back, a disk put
   * back, or a false answer believed. What follows on chain is sent again, and everything else waits for numbers that are free.
   */
  const align = async (bindingId: Hex): Promise<void> => {
    const [lowest] = await readUnanchored(store, bindingId)
    const { epochs, lastRoot } = await chain.log(bindingId)
    if (lowest === undefined || lowest.epoch < epochs) return
    const next = await readEpochAt(store, bindingId, epochs)
    const follows = next?.previous === lastRoot
    if (follows && next.anchoredAt === undefined) return
    metrics.epoch('failed')
    logger.error({ bindingId, epochs, lowest: lowest.epoch, follows }, 'the chain has less')
    await store.write(
      follows ? [clearAnchored(bindingId, epochs)] : reopenEpochs(bindingId, epochs),
    )
  }

  /** Whether the next epoch of the log may follow now. */
  const bring = async (closed: ClosedEpoch): Promise<boolean> => {
    const { bindingId, epoch, root } = closed
    const found = await chain.epoch(bindingId, epoch)
    if (found === undefined) {
      const before = await readSent(store, closed)
      const sentAtMs = now().getTime()
      if (before !== undefined && sentAtMs - before.sentAtMs < RESEND_MS) return false
      const isSent = await chain.anchor(closed, before, async (sent) => {
        await store.write([upsertSent(closed, { ...sent, sentAtMs })])
      })
      if (!isSent) return false
      metrics.epoch('sent')
      logger.info({ bindingId, epoch, size: closed.size }, 'epoch sent')
      return false
    }
    if (found.root !== root) {
      // A disk that was put back: what the chain has was anchored in a life that it does not remember.
      metrics.epoch('failed')
      logger.error({ bindingId, epoch, root, anchored: found.root }, 'another epoch has its number')
      await store.write(reopenEpochs(bindingId, epoch))
      return false
    }
    const depth = (await chain.head()) - found.blockNumber + 1n
    if (depth < BigInt(confirmations)) return true
    await store.write([updateAnchored(bindingId, epoch, found.anchoredAt)])
    metrics.epoch('anchored')
    logger.info({ bindingId, epoch, block: found.blockNumber.toString() }, 'epoch anchored')
    return true
  }

  const bringLog = async (bindingId: Hex): Promise<void> => {
    await align(bindingId)
    for (const closed of await readUnanchored(store, bindingId)) {
      if (!(await bring(closed))) return
    }
  }

  /** Whether the chain refused, which is an answer. */
  const pause = (bindingId: Hex, error: unknown): boolean => {
    const failures = (paused.get(bindingId)?.failures ?? 0) + 1
    paused.set(bindingId, { failures, untilMs: now().getTime() + backoffMs(failures, PAUSE) })
    metrics.epoch('failed')
    const reason = error instanceof Error ? error.message.slice(0, 200) : 'failed'
    logger.warn({ bindingId, reason, failures }, 'a log waits for the chain')
    return error instanceof ChainError && error.code === 'CHAIN_REFUSED'
  }

  return {
    round: async (all) => {
      let isCutOff = false
      for (const bindingId of await readUnanchoredLogs(store)) {
        const { untilMs = 0 } = paused.get(bindingId) ?? {}
        if (!all && now().getTime() < untilMs) continue
        try {
          await bringLog(bindingId)
          paused.delete(bindingId)
        } catch (error) {
          // One binding's end keeps no other from being told of.
          isCutOff = !pause(bindingId, error) || isCutOff
        }
      }
      metrics.epochsWaiting(await countUnanchored(store))
      return isCutOff
    },
  }
}
