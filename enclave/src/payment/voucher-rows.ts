import type { Hex } from '@jeju/verifier/protocol'
import { hexOf } from '../storage/hex-column.ts'
import { StoreError } from '../storage/schema.ts'
import type { SqlValue } from '../storage/sqlite.ts'
import type { Change, Store } from '../storage/store.ts'
import type { HeldVoucher, StoredVoucherChannel } from './voucher-state.ts'

/** Seconds after its last use when a channel is forgotten. */
export const IDLE_S: bigint = 30n * 24n * 3600n

/** Channels that are forgotten at a time, in Unix seconds. */
export const FORGET_IDLE: string = `DELETE FROM voucher_channels WHERE used_at + ${IDLE_S} < ?`

/**
 * Every channel with its vouchers, and which of them have one in a transaction that is not final.
 * @throws StoreError `STORE_CORRUPT`
 */
export async function readVoucherChannels(store: Store): Promise<{
  readonly stored: readonly StoredVoucherChannel[]
  readonly claiming: ReadonlySet<Hex>
}> {
  const held = new Map<Hex, HeldVoucher[]>()
  for (const row of await store.all('SELECT * FROM vouchers')) {
    const channelId = hexOf(row['channel_id'])
    const vouchers = held.get(channelId) ?? []
    vouchers.push({ cumulative: weiOf(row['cumulative']), signature: hexOf(row['signature']) })
    held.set(channelId, vouchers)
  }
  const rows = await store.all('SELECT * FROM voucher_channels')
  const open = await store.all(
    `SELECT channel_id FROM settlements WHERE state IN ('sent', 'included') AND channel_id NOT NULL`,
  )
  return {
    stored: rows.map((row) => {
      const channelId = hexOf(row['channel_id'])
      return {
        channelId,
        signer: hexOf(row['signer']),
        fees: weiOf(row['fees']),
        settled: weiOf(row['settled']),
        usedAt: BigInt(Number(row['used_at'])),
        held: held.get(channelId) ?? [],
      }
    }),
    claiming: new Set(open.map((row) => hexOf(row['channel_id']))),
  }
}

/** How a channel stands. */
export function upsertChannel(channel: Omit<StoredVoucherChannel, 'held'>): Change {
  const { channelId, signer, fees, settled, usedAt } = channel
  return {
    // Not REPLACE, which takes the vouchers with the row.
    sql: `INSERT INTO voucher_channels (channel_id, signer, fees, settled, used_at) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (channel_id) DO UPDATE SET
        signer = excluded.signer, fees = excluded.fees, settled = excluded.settled, used_at = excluded.used_at`,
    values: [channelId, signer, fees.toString(), settled.toString(), Number(usedAt)],
  }
}

/** Nothing happens where it is held; another signature over the same is as good. */
export function insertVoucher(channelId: Hex, { cumulative, signature }: HeldVoucher): Change {
  return {
    sql: 'INSERT OR IGNORE INTO vouchers (channel_id, cumulative, signature) VALUES (?, ?, ?)',
    values: [channelId, cumulative.toString(), signature],
  }
}

export function deleteVouchers(
  channelId: Hex,
  vouchers: readonly HeldVoucher[],
): readonly Change[] {
  return vouchers.map(({ cumulative }) => ({
    sql: 'DELETE FROM vouchers WHERE channel_id = ? AND cumulative = ?',
    values: [channelId, cumulative.toString()],
  }))
}

/** The channel, with every voucher of it. */
export function deleteChannel(channelId: Hex): Change {
  return { sql: 'DELETE FROM voucher_channels WHERE channel_id = ?', values: [channelId] }
}

/** A column of wei. @throws StoreError `STORE_CORRUPT` */
export function weiOf(value: SqlValue | undefined): bigint {
  if (typeof value === 'string' && /^(0|[1-9][0-9]{0,77})$/.test(value)) return BigInt(value)
  throw new StoreError('STORE_CORRUPT', 'database: malformed wei')
}
