import type { Hex } from '@jeju/verifier/protocol'
import type { GasFees, SignedTransaction } from '../chain/settlement-chain.ts'
import { readAuthorisation, SELECT_AUTHORISATIONS } from '../payment/journal-rows.ts'
import type { Owed } from '../payment/journal-state.ts'
import type { VoucherClaim } from '../payment/voucher-book.ts'
import { weiOf } from '../payment/voucher-rows.ts'
import { StoreError } from '../storage/schema.ts'
import type { SqlRow } from '../storage/sqlite.ts'
import type { Change, Store } from '../storage/store.ts'

/**
 * One transaction that may settle a batch of receipts, or one voucher, and those that took its place; all of one account
 * nonce, so one can be mined.
 */
export interface Settlement {
  readonly id: number
  readonly accountNonce: number
  readonly gas: bigint
  readonly state: 'sent' | 'included'
  /** The newest last. */
  readonly transactions: readonly (SignedTransaction & GasFees & { readonly sentAtMs: number })[]
  readonly items: readonly Owed[]
  /** What it settles where there are no items. */
  readonly claim: VoucherClaim | undefined
}

/** Settlements that are not final, in the node's database. Changes come together with those of the journal. */
export interface SettlementLog {
  open(): Promise<readonly Settlement[]>
  /** A number no settlement has. */
  nextId(): number
}

const SELECT_OPEN = `SELECT * FROM settlements WHERE state IN ('sent', 'included') ORDER BY id`
const SELECT_TRANSACTIONS = 'SELECT * FROM transactions WHERE settlement = ? ORDER BY rowid'
const SELECT_ITEMS = SELECT_AUTHORISATIONS.replace(
  'ORDER BY',
  'WHERE receipts.settlement = ? ORDER BY',
)

/** The log in a database. */
export async function openSettlementLog(store: Store): Promise<SettlementLog> {
  await store.write([FORGET])
  const [row] = await store.all('SELECT coalesce(max(id), 0) AS last FROM settlements')
  let last = Number(row?.['last'])
  return {
    nextId: () => ++last,
    open: async () => {
      const settlements: Settlement[] = []
      for (const row of await store.all(SELECT_OPEN)) {
        const { id, account_nonce: nonce, gas, state } = row
        const [transactions, items] = [
          await store.all(SELECT_TRANSACTIONS, [Number(id)]),
          await store.all(SELECT_ITEMS, [Number(id)]),
        ]
        settlements.push({
          id: Number(id),
          accountNonce: Number(nonce),
          gas: BigInt(Number(gas)),
          state: state === 'included' ? 'included' : 'sent',
          transactions: transactions.map((each) => ({
            raw: hexOf(each['raw']),
            hash: hexOf(each['hash']),
            maxFeePerGas: BigInt(String(each['max_fee_per_gas'])),
            maxPriorityFeePerGas: BigInt(String(each['max_priority_fee_per_gas'])),
            sentAtMs: Number(each['sent_at_ms']),
          })),
          items: items.flatMap((each) => readAuthorisation(each).owed ?? []),
          claim: claimOf(row),
        })
      }
      return settlements
    },
  }
}

/** A batch that is going to be sent. */
export function insertSettlement(
  id: number,
  accountNonce: number,
  gas: bigint,
  items: readonly Owed[],
  nowMs: number,
): readonly Change[] {
  return [
    {
      sql: `INSERT INTO settlements (id, account_nonce, gas, state, made_at) VALUES (?, ?, ?, 'sent', ?)`,
      values: [id, accountNonce, Number(gas), Math.floor(nowMs / 1000)],
    },
    ...items.map(({ item }): Change => ({
      sql: 'UPDATE receipts SET settlement = ? WHERE auth_hash = ?',
      values: [id, item.receipt.authHash],
    })),
  ]
}

/** A voucher that is going to be sent. */
export function insertClaim(
  id: number,
  accountNonce: number,
  gas: bigint,
  { channelId, cumulative, signature, brings }: VoucherClaim,
  nowMs: number,
): Change {
  return {
    sql: `INSERT INTO settlements
      (id, account_nonce, gas, state, made_at, channel_id, cumulative, signature, brings)
      VALUES (?, ?, ?, 'sent', ?, ?, ?, ?, ?)`,
    values: [
      id,
      accountNonce,
      Number(gas),
      Math.floor(nowMs / 1000),
      channelId,
      cumulative.toString(),
      signature,
      brings.toString(),
    ],
  }
}

/** A transaction of a settlement, on disk before anybody else has it. */
export function insertTransaction(
  id: number,
  { raw, hash }: SignedTransaction,
  { maxFeePerGas, maxPriorityFeePerGas }: GasFees,
  nowMs: number,
): Change {
  return {
    sql: `INSERT INTO transactions
      (hash, settlement, raw, max_fee_per_gas, max_priority_fee_per_gas, sent_at_ms) VALUES (?, ?, ?, ?, ?, ?)`,
    values: [hash, id, raw, maxFeePerGas.toString(), maxPriorityFeePerGas.toString(), nowMs],
  }
}

/** What has become of a settlement. */
export function updateSettlement(
  id: number,
  state: 'sent' | 'included' | 'final' | 'void',
): Change {
  return { sql: 'UPDATE settlements SET state = ? WHERE id = ?', values: [state, id] }
}

/** The item waits for another settlement. */
export function detach(authHash: Hex): Change {
  return { sql: 'UPDATE receipts SET settlement = NULL WHERE auth_hash = ?', values: [authHash] }
}

/** Settlements that nothing refers to any more. */
const FORGET: Change = {
  sql: `DELETE FROM settlements
    WHERE state IN ('final', 'void') AND id NOT IN (SELECT settlement FROM receipts WHERE settlement IS NOT NULL)`,
  values: [],
}

function claimOf(row: SqlRow): VoucherClaim | undefined {
  if (row['channel_id'] === null) return undefined
  return {
    channelId: hexOf(row['channel_id']),
    cumulative: weiOf(row['cumulative']),
    signature: hexOf(row['signature']),
    brings: weiOf(row['brings']),
  }
}

function hexOf(value: unknown): Hex {
  if (typeof value === 'string' && /^0x[0-9a-f]+$/.test(value)) return value as Hex
  throw new StoreError('STORE_CORRUPT', 'database: transactions: malformed hex')
}
