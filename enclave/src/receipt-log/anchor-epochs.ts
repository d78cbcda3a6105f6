import type { LogChain } from '../chain/log-chain.ts'
import type { Logger } from '../logging.ts'
import type { LogMetrics } from '../metrics.ts'
import type { Store } from '../storage/store.ts'
import { readUnanchored, reopenEpochs, updateAnchored, type ClosedEpoch } from './log-rows.ts'

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
  /** One round; every step can fail and be repeated. @throws ChainError, after all logs had their turn */
  round(): Promise<void>
}

/** What was sent gets this long to come into a block before it is sent again, in milliseconds. */
const RESEND_MS = 120_000
/** After the longest life of a binding its key can anchor nothing any more; in seconds. */
const GIVEN_UP_S = 8 * 24 * 3600

/** Anchoring of this node's key. */
export function createAnchoring(parts: AnchoringParts): Anchoring {
  const { store, chain, metrics, logger, now, confirmations } = parts
  const sentAtMs = new Map<string, number>()

  /** Whether the next epoch of the log may follow now. */
  const bring = async (closed: ClosedEpoch): Promise<boolean> => {
    const { bindingId, epoch, root } = closed
    const name = `${bindingId}/${epoch}`
    const found = await chain.epoch(bindingId, epoch)
    if (found === undefined) {
      if (now().getTime() - (sentAtMs.get(name) ?? -Infinity) < RESEND_MS) return false
      await chain.anchor(closed)
      sentAtMs.set(name, now().getTime())
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
    sentAtMs.delete(name)
    await store.write([updateAnchored(bindingId, epoch, found.anchoredAt)])
    metrics.epoch('anchored')
    logger.info({ bindingId, epoch, block: found.blockNumber.toString() }, 'epoch anchored')
    return true
  }

  return {
    round: async () => {
      const nowS = Math.floor(now().getTime() / 1000)
      const waiting = await readUnanchored(store, nowS - GIVEN_UP_S)
      const blocked = new Set<string>()
      let failure: Error | undefined
      for (const closed of waiting) {
        if (blocked.has(closed.bindingId)) continue
        try {
          if (!(await bring(closed))) blocked.add(closed.bindingId)
        } catch (error) {
          // One binding's end keeps no other from being told of.
          blocked.add(closed.bindingId)
          metrics.epoch('failed')
          failure ??= error instanceof Error ? error : new Error('failed')
        }
      }
      metrics.epochsWaiting((await readUnanchored(store, nowS - GIVEN_UP_S)).length)
      if (failure !== undefined) throw failure
    },
  }
}
