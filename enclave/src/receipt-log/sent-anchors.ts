import type { SentAnchor } from '../chain/log-chain.ts'
import { hexOf } from '../storage/hex-column.ts'
import type { Change, Store } from '../storage/store.ts'
import type { ClosedEpoch } from './log-rows.ts'

/** What was sent last for an epoch. */
export interface SentEpoch extends SentAnchor {
  readonly sentAtMs: number
}

type Place = Pick<ClosedEpoch, 'bindingId' | 'epoch'>

/** It is about to be sent; what was sent before is in its place no more. */
export function upsertSent({ bindingId, epoch }: Place, sent: SentEpoch): Change {
  const { hash, nonce, maxFeePerGas, maxPriorityFeePerGas, sentAtMs } = sent
  const fees = [maxFeePerGas.toString(), maxPriorityFeePerGas.toString()]
  return {
    sql: `INSERT OR REPLACE INTO log_transactions
      (binding_id, epoch, hash, nonce, max_fee_per_gas, max_priority_fee_per_gas, sent_at_ms)
      VALUES (?, ?, ?, ?, ?, ?, ?)`,
    values: [bindingId, epoch, hash, nonce, ...fees, sentAtMs],
  }
}

/** What was sent last; undefined before the first time. */
export async function readSent(
  store: Store,
  { bindingId, epoch }: Place,
): Promise<SentEpoch | undefined> {
  const sql = 'SELECT * FROM log_transactions WHERE binding_id = ? AND epoch = ?'
  const [row] = await store.all(sql, [bindingId, epoch])
  return (
    row && {
      hash: hexOf(row['hash']),
      nonce: Number(row['nonce']),
      maxFeePerGas: BigInt(String(row['max_fee_per_gas'])),
      maxPriorityFeePerGas: BigInt(String(row['max_priority_fee_per_gas'])),
      sentAtMs: Number(row['sent_at_ms']),
    }
  )
}
