import type { Hex } from '@jeju/verifier/protocol'
import type { Ledger, LedgerChannel } from '../chain/ledger.ts'
import { SdkError } from '../errors/sdk-error.ts'
import type { ChannelRecord, ChannelRecords } from './channel-records.ts'

/** What became of a channel; amounts in wei. */
export type ClosedChannel =
  | {
      /** `released`: by the provider, at once. `refunded`: after the delay. `closed`: it was before. */
      readonly outcome: 'released' | 'refunded' | 'closed'
      readonly channelId: Hex
      /** Locked and not charged: available to the wallet again. */
      readonly returned: bigint
    }
  | {
      /** Chargeable until `closeAt`; closing it again then completes the refund. */
      readonly outcome: 'closing'
      readonly channelId: Hex
      /** Unix seconds. */
      readonly closeAt: bigint
    }

/** What closing needs. */
export interface ClosingParts {
  readonly ledger: Pick<Ledger, 'channelOf' | 'requestRefund' | 'completeRefund'>
  readonly records: ChannelRecords
  /** Asks the provider to release the channel; resolves once he says he has. Rejects where he does not. */
  readonly release: (record: ChannelRecord, channel: LedgerChannel) => Promise<void>
}

/**
 * Ends a channel of this wallet as soon as it can be ended: by the provider at once, or else by the refund that no
 * provider can refuse, which takes the channel's delay. Throws `CHAIN_…`.
 */
export async function closeChannel(parts: ClosingParts, channelId: Hex): Promise<ClosedChannel> {
  const { ledger, records } = parts
  const channel = await ledger.channelOf(channelId)
  if (channel.state === 'NONE') {
    // Its opening was sent and not seen: nothing is locked yet, and the key is kept in case something will be.
    if ((await records.find(channelId)) !== undefined) {
      return { outcome: 'closed', channelId, returned: 0n }
    }
    throw unknownChannel(channelId)
  }
  if (channel.state === 'CLOSED') {
    await records.forget(channelId)
    return { outcome: 'closed', channelId, returned: 0n }
  }
  if (await released(parts, channelId, channel)) return ended(parts, 'released', channelId, channel)
  if (channel.state === 'OPEN') {
    await ledger.requestRefund(channelId)
    const { closeAt } = await ledger.channelOf(channelId)
    return { outcome: 'closing', channelId, closeAt }
  }
  // Whether it is due is asked of the chain, whose time counts, and not of this machine's clock.
  const due = await ledger.completeRefund(channelId).then(() => true, notYetDue)
  if (!due) return { outcome: 'closing', channelId, closeAt: channel.closeAt }
  return ended(parts, 'refunded', channelId, channel)
}

/** The error for a channel that the ledger does not have. */
export function unknownChannel(channelId: Hex): SdkError {
  return new SdkError('CHANNEL_UNKNOWN', `channel ${channelId}: there is none in this ledger`)
}

function notYetDue(error: unknown): boolean {
  if (error instanceof SdkError && error.message.includes('RefundNotDue')) return false
  throw error
}

/** What a provider says counts for nothing: the chain says whether the channel is closed. */
async function released(
  { ledger, records, release }: ClosingParts,
  channelId: Hex,
  channel: LedgerChannel,
): Promise<boolean> {
  const record = await records.find(channelId)
  if (record === undefined) return false
  try {
    await release(record, channel)
  } catch (error) {
    if (!(error instanceof SdkError)) throw error
    return false
  }
  return (await ledger.channelOf(channelId)).state === 'CLOSED'
}

/** A closed channel has nothing locked but what was spent. */
async function ended(
  { ledger, records }: ClosingParts,
  outcome: 'released' | 'refunded',
  channelId: Hex,
  { locked }: LedgerChannel,
): Promise<ClosedChannel> {
  await records.forget(channelId)
  const { spent } = await ledger.channelOf(channelId)
  return { outcome, channelId, returned: locked - spent }
}

/** Channels whose providers are asked at once. */
const PARALLEL = 32

/** How one of several channels ended. */
export type ChannelEnding = { readonly closed: ClosedChannel } | { readonly error: unknown }

/**
 * {@link closeChannel} for each of them. Providers are asked side by side, so that one who does not answer keeps no
 * other channel waiting; transactions are the ledger's to send one after another. What fails fails alone.
 * @param told of each channel as soon as it has ended
 */
export async function closeChannels(
  parts: ClosingParts,
  channelIds: readonly Hex[],
  told: (channelId: Hex, ending: ChannelEnding) => void | Promise<void>,
): Promise<void> {
  const left = [...new Set(channelIds)].values()
  const worker = async (): Promise<void> => {
    for (const channelId of left) {
      const ending = await closeChannel(parts, channelId).then(
        (closed) => ({ closed }),
        (error: unknown) => ({ error }),
      )
      await told(channelId, ending)
    }
  }
  await Promise.all(Array.from({ length: PARALLEL }, worker))
}
