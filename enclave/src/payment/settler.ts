import { setTimeout as delay } from 'node:timers/promises'
import { MAX_SETTLE_BATCH } from '@jeju/verifier/protocol'
import type { NodeChain } from '../chain/node-chain.ts'
import type { Logger } from '../logging.ts'
import type { Journal } from './journal.ts'

/** Brings finished receipts to the chain. */
export interface Settler {
  /** Settles everything that waits, once. Failures leave it waiting. */
  settleNow(): Promise<void>
  /** Settles at an interval until the signal. */
  run(signal: AbortSignal): Promise<void>
}

/** A settler that sends from the node's signer; the fees go to the payee the channel names. */
export function createSettler(
  chain: NodeChain,
  journal: Journal,
  intervalMs: number,
  logger: Logger,
): Settler {
  let last: Promise<void> = Promise.resolve()

  const settleAll = async (): Promise<void> => {
    const waiting = journal.unsettled()
    for (let at = 0; at < waiting.length; at += MAX_SETTLE_BATCH) {
      const batch = waiting.slice(at, at + MAX_SETTLE_BATCH)
      const settlements = await chain.settle(batch)
      for (const [index, item] of batch.entries()) {
        const settlement = settlements[index]
        if (settlement?.final !== true) continue
        await journal.settled(item.receipt.authHash, settlement.status)
        const { status, fee } = settlement
        const line = { authHash: item.receipt.authHash, status, fee: fee.toString() }
        if (status === 'paid') logger.info(line, 'settled')
        else logger.warn(line, 'cannot be settled')
      }
    }
  }
  const settleNow = (): Promise<void> => {
    last = last.then(settleAll).catch((error: unknown) => {
      logger.warn({ reason: error instanceof Error ? error.message : '' }, 'settlement failed')
    })
    return last
  }
  return {
    settleNow,
    run: async (signal) => {
      while (!signal.aborted) {
        await delay(intervalMs, undefined, { signal }).catch(() => undefined)
        if (!signal.aborted && journal.unsettled().length > 0) await settleNow()
      }
    },
  }
}
