import { SETTLE_WINDOW_S } from '@jeju/verifier/protocol'
import type { Channel } from '../chain/node-chain.ts'
import type { Owed } from '../payment/journal-state.ts'

/** How much settling has to bring. */
export interface WorthOptions {
  /** Fees have to be this many times the gas and the place for data that they cost; 0 settles whatever is due. */
  readonly worth: number
}

/** From this long before an item can no longer be collected, it only has to bring more than its gas (attack N11). */
const URGENT_S = 2n * 3600n

/** The last moment at which an item can be collected, Unix seconds. */
export function deadlineOf(
  { item }: Owed,
  channel: Pick<Channel, 'state' | 'closeAt'> | undefined,
): bigint {
  const windowEnd = item.auth.validUntil + SETTLE_WINDOW_S
  if (channel?.state !== 'closing') return windowEnd
  return channel.closeAt < windowEnd ? channel.closeAt : windowEnd
}

/** Whether an item has to be settled now or never. */
export function isUrgent(deadline: bigint, nowS: bigint): boolean {
  return deadline - nowS <= URGENT_S
}

/** Whether a batch is worth its gas. `last` when there will be no better moment. */
export function isWorth(
  batch: { readonly fees: bigint; readonly cost: bigint; readonly last: boolean },
  { worth }: WorthOptions,
): boolean {
  const { fees, cost, last } = batch
  const least = last ? Math.min(worth, 1) : worth
  // Thousandths, since a bigint takes no fraction.
  return fees * 1000n >= cost * BigInt(Math.round(least * 1000))
}
