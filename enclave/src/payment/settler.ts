import { setTimeout as delay } from 'node:timers/promises'
import { MAX_SETTLE_BATCH, type Hex } from '@jeju/verifier/protocol'
import type { NodeChain, SettlementItem, SettlementStatus } from '../chain/node-chain.ts'
import type { Logger } from '../logging.ts'
import type { Journal } from './journal.ts'

/** Brings finished receipts to the chain. */
export interface Settler {
  /** Settles everything that waits, once. Failures leave it waiting. */
  settleNow(): Promise<void>
  /** Settles at an interval until the signal. */
  run(signal: AbortSignal): Promise<void>
}

/**
 * Answers that no later block can change. Everything else waits, until it is paid or expires: a channel can be
 * topped up, and a lagging RPC may not know yet a channel, a binding or the time.
 */
const FINAL: ReadonlySet<SettlementStatus> = new Set([
  'already_used',
  'expired',
  'channel_closed',
  'over_cap',
  'nothing_due',
] as const)

/** A settler that sends from the node's signer; the fees go to the payee the channel names. */
export function createSettler(
  chain: NodeChain,
  journal: Journal,
  intervalMs: number,
  logger: Logger,
): Settler {
  const close = async (authHash: Hex, status: SettlementStatus, fee = 0n): Promise<void> => {
    await journal.settled(authHash, status)
    const line = { authHash, status, fee: fee.toString() }
    if (status === 'paid' || status === 'nothing_due') logger.info(line, 'settled')
    else logger.warn(line, 'not paid by this settlement')
  }
  const settleBatch = async (batch: readonly SettlementItem[]): Promise<void> => {
    const statuses = await chain.preview(batch)
    for (const [index, { receipt }] of batch.entries()) {
      const status = statuses[index]
      if (status !== undefined && FINAL.has(status)) await close(receipt.authHash, status)
    }
    const payable = batch.filter((_, index) => statuses[index] === 'paid')
    if (payable.length === 0) return
    // Between preview and block another settlement may have come first: only the block's word counts.
    for (const [authHash, fee] of await chain.settle(payable)) await close(authHash, 'paid', fee)
  }
  const settleAll = async (): Promise<void> => {
    const waiting = journal.unsettled()
    for (let at = 0; at < waiting.length; at += MAX_SETTLE_BATCH) {
      await settleBatch(waiting.slice(at, at + MAX_SETTLE_BATCH))
    }
  }

  let last: Promise<void> = Promise.resolve()
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
