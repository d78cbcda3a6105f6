import type { Hex } from '@jeju/verifier/protocol'
import { NodeError } from '../http/node-error.ts'
import type { Change, Store } from '../storage/store.ts'
import {
  deleteChannel,
  deleteVouchers,
  FORGET_IDLE,
  IDLE_S,
  insertVoucher,
  readVoucherChannels,
  upsertChannel,
} from './voucher-rows.ts'
import { VoucherChannel, type ChannelFunds, type HeldVoucher } from './voucher-state.ts'

/** A voucher that was shown with a request, and what the ledger said of its channel then. */
export interface ShownVoucher extends ChannelFunds {
  readonly voucher: HeldVoucher
  /** Whose voucher it is: the channel's session key. */
  readonly signer: Hex
}

/** What one request is taken under. */
export interface VoucherRequest extends ShownVoucher {
  readonly channelId: Hex
  /** Maxima of the channel's requests that are being answered, wei. */
  readonly reserved: bigint
  readonly maxFee: bigint
}

/** A voucher that is being settled, or may be. */
export interface VoucherClaim extends HeldVoucher {
  readonly channelId: Hex
  /** Wei that it brings. */
  readonly brings: bigint
}

/**
 * The vouchers of channels that are paid by them (docs/protocol.md §5.2), and what of those channels was charged. Changes
 * are made in memory at once, without a pause; each method returns those of the database, for the caller to write together
 * with what they belong to.
 */
export interface VoucherBook {
  /**
   * Holds the voucher of a request whose maximum it, or a higher one that came before, covers beside everything else the
   * channel may owe.
   * @throws NodeError `voucher_too_low`, `insufficient_funds`; then nothing has changed
   */
  take(request: VoucherRequest): readonly Change[]
  /** A request was answered for this fee. */
  charge(channelId: Hex, fee: bigint): readonly Change[]
  /**
   * Holds a voucher that pays no request, so that no more has to be claimed than was charged. Of another key than
   * {@link VoucherBook.signerOf} only one that covers what was charged.
   */
  bring(channelId: Hex, voucher: HeldVoucher, signer: Hex): readonly Change[]
  /** Wei that a channel was charged by everybody, as far as this node knows. */
  charged(channelId: Hex): bigint
  /** The session key whose vouchers of a channel are held; undefined where there are none. */
  signerOf(channelId: Hex): Hex | undefined
  /** Wei that this node has charged a channel and was not paid, or paid in a block only that may be taken back. */
  owed(channelId: Hex): bigint
  /** Whether a claim of a channel could be made. */
  isDue(channelId: Hex): boolean
  /** Channels of which claims could be made, with their signers and when they were used last, Unix seconds. */
  due(): readonly { readonly channelId: Hex; readonly signer: Hex; readonly usedAt: bigint }[]
  /** The claim to make now, as {@link VoucherChannel.best} says. */
  claimOf(channelId: Hex, funds: ChannelFunds, covering: boolean): VoucherClaim | undefined
  /** A transaction with a voucher of this channel is going to be sent. */
  claiming(channelId: Hex): void
  /** It has come to its end, and brought so much. */
  claimed(channelId: Hex, paid: bigint): readonly Change[]
  /** The channel is closed: nothing more can come of it. */
  close(channelId: Hex): readonly Change[]
  /** Forgets channels that were not used for so long that what they owe was never worth its gas. */
  forget(nowS: bigint): readonly Change[]
}

/**
 * Reads the vouchers out of the node's database.
 * @throws StoreError `STORE_CORRUPT`
 */
export async function openVoucherBook(store: Store, now: () => Date): Promise<VoucherBook> {
  const { stored, claiming } = await readVoucherChannels(store)
  const channels = new Map(
    stored.map((each) => [each.channelId, new VoucherChannel(each, claiming.has(each.channelId))]),
  )
  const nowS = (): bigint => BigInt(Math.floor(now().getTime() / 1000))
  const pruned = (channel: VoucherChannel): readonly Change[] =>
    deleteVouchers(channel.channelId, channel.prune())
  /** One more voucher, where a claim could ever need it. */
  const held = (channel: VoucherChannel, voucher: HeldVoucher, signer: Hex): readonly Change[] => {
    const { channelId } = channel
    const replaced = channel.hold(voucher, signer)
    const dropped = channel.prune()
    const isKept = !dropped.includes(voucher) && channel.held.includes(voucher)
    return [
      ...deleteVouchers(channelId, replaced),
      upsertChannel(channel),
      ...(isKept ? [insertVoucher(channelId, voucher)] : []),
      ...deleteVouchers(
        channelId,
        dropped.filter((each) => each !== voucher),
      ),
    ]
  }
  return {
    take: ({ channelId, voucher, signer, locked, spent, reserved, maxFee }) => {
      const known = channels.get(channelId)
      const channel = known ?? unknown(channelId, signer)
      channel.see(spent)
      const needed = channel.charged + reserved + maxFee
      // Another key's vouchers end with the key: what its successor signs has to cover everything by itself.
      const highest = signer === channel.signer ? channel.highest : 0n
      const promised = voucher.cumulative > highest ? voucher.cumulative : highest
      if (promised < needed) {
        const text = `voucher: expected ${needed} wei at least, got ${promised}`
        throw new NodeError('voucher_too_low', text)
      }
      if (locked < needed) {
        const text = `channel: ${locked} wei locked, ${needed} may be charged`
        throw new NodeError('insufficient_funds', text)
      }
      channel.usedAt = nowS()
      channels.set(channelId, channel)
      return held(channel, voucher, signer)
    },
    charge: (channelId, fee) => {
      const channel = channels.get(channelId)
      // Closed meanwhile: nothing can be collected of it.
      if (channel === undefined) return []
      channel.fees += fee
      channel.usedAt = nowS()
      return [upsertChannel(channel), ...pruned(channel)]
    },
    bring: (channelId, voucher, signer) => {
      const channel = channels.get(channelId)
      if (channel === undefined) return []
      if (signer !== channel.signer && voucher.cumulative < channel.charged) return []
      return held(channel, voucher, signer)
    },
    charged: (channelId) => channels.get(channelId)?.charged ?? 0n,
    signerOf: (channelId) => channels.get(channelId)?.signer,
    owed: (channelId) => channels.get(channelId)?.owed ?? 0n,
    isDue: (channelId) => isDue(channels.get(channelId)),
    due: () => [...channels.values()].filter(isDue),
    claimOf: (channelId, funds, covering) => {
      const best = channels.get(channelId)?.best(funds, covering)
      if (best === undefined) return undefined
      const { cumulative } = best
      const { locked, spent } = funds
      return { channelId, ...best, brings: (cumulative < locked ? cumulative : locked) - spent }
    },
    claiming: (channelId) => {
      const channel = channels.get(channelId)
      if (channel !== undefined) channel.isClaiming = true
    },
    claimed: (channelId, paid) => {
      const channel = channels.get(channelId)
      if (channel === undefined) return []
      channel.isClaiming = false
      channel.settled += paid
      return [upsertChannel(channel)]
    },
    close: (channelId) => {
      channels.delete(channelId)
      return [deleteChannel(channelId)]
    },
    forget: (atS) => {
      for (const [channelId, { usedAt }] of channels) {
        if (usedAt + IDLE_S < atS) channels.delete(channelId)
      }
      return [{ sql: FORGET_IDLE, values: [Number(atS)] }]
    },
  }
}

function unknown(channelId: Hex, signer: Hex): VoucherChannel {
  const nothing = { fees: 0n, settled: 0n, usedAt: 0n, held: [] }
  return new VoucherChannel({ channelId, signer, ...nothing }, false)
}

function isDue(channel: VoucherChannel | undefined): boolean {
  return channel !== undefined && channel.owed > 0n && !channel.isClaiming
}
