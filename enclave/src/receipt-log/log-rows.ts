import type { Hex } from '@jeju/verifier/protocol'
import { hexOf } from '../storage/hex-column.ts'
import type { SqlRow } from '../storage/sqlite.ts'
import type { Change, Store } from '../storage/store.ts'

/** A receipt's place in the log; what of it is secret never leaves but to its owner. */
export interface LoggedReceipt {
  readonly receiptId: Hex
  readonly bindingId: Hex
  readonly commitment: Hex
  readonly salt: Hex
  /** SHA-256 of the authorisation header, bare hex. */
  readonly credential: string
  /** Unix seconds. */
  readonly madeAt: number
}

/** An epoch that takes no more receipts. */
export interface ClosedEpoch {
  readonly bindingId: Hex
  readonly epoch: number
  readonly previous: Hex
  readonly root: Hex
  readonly size: number
  readonly digest: Hex
  /** Empty for nowhere. */
  readonly locator: string
  /** Unix seconds. */
  readonly closedAt: number
  /** Undefined before it stands in a block that is no longer in doubt. */
  readonly anchoredAt: number | undefined
}

/** Receipts of a binding that are in no epoch yet. */
export interface OpenReceipts {
  readonly bindingId: Hex
  readonly count: number
  /** Unix seconds of the oldest. */
  readonly openedAt: number
}

/** The receipt is in the log from now on; to be written together with the receipt itself. */
export function insertLogged(logged: LoggedReceipt): Change {
  const { receiptId, bindingId, commitment, salt, credential, madeAt } = logged
  return {
    sql: `INSERT INTO log_receipts (receipt_id, binding_id, commitment, salt, credential, made_at)
      VALUES (?, ?, ?, ?, ?, ?)`,
    values: [receiptId, bindingId, commitment, salt, credential, madeAt],
  }
}

/** The epoch is closed over the receipts of its binding up to `lastSeq`. */
export function insertEpoch(closed: ClosedEpoch, lastSeq: number): readonly Change[] {
  const { bindingId, epoch, previous, root, size, digest, locator, closedAt } = closed
  return [
    {
      sql: `INSERT INTO log_epochs (binding_id, epoch, previous, root, size, digest, locator, closed_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      values: [bindingId, epoch, previous, root, size, digest, locator, closedAt],
    },
    {
      sql: `UPDATE log_receipts SET epoch = ? WHERE binding_id = ? AND epoch IS NULL AND seq <= ?`,
      values: [epoch, bindingId, lastSeq],
    },
  ]
}

/** A block that is no longer in doubt has it. */
export function updateAnchored(bindingId: Hex, epoch: number, anchoredAt: number): Change {
  return {
    sql: 'UPDATE log_epochs SET anchored_at = ? WHERE binding_id = ? AND epoch = ?',
    values: [anchoredAt, bindingId, epoch],
  }
}

/** The chain has none of them any more: they are to be sent again. */
export function clearAnchored(bindingId: Hex, from: number): Change {
  return {
    sql: 'UPDATE log_epochs SET anchored_at = NULL WHERE binding_id = ? AND epoch >= ?',
    values: [bindingId, from],
  }
}

/** Its number was taken by other receipts: its own, and those of the epochs behind it, wait for numbers that are free. */
export function reopenEpochs(bindingId: Hex, from: number): readonly Change[] {
  const values = [bindingId, from]
  return [
    { sql: 'UPDATE log_receipts SET epoch = NULL WHERE binding_id = ? AND epoch >= ?', values },
    { sql: 'DELETE FROM log_epochs WHERE binding_id = ? AND epoch >= ?', values },
  ]
}

/** By binding, the one with the oldest receipt first. */
export async function readOpen(store: Store): Promise<readonly OpenReceipts[]> {
  const rows = await store.all(`
    SELECT binding_id, count(*) AS count, min(made_at) AS opened_at
    FROM log_receipts WHERE epoch IS NULL GROUP BY binding_id ORDER BY min(seq)`)
  return rows.map((row) => ({
    bindingId: hexOf(row['binding_id']),
    count: Number(row['count']),
    openedAt: Number(row['opened_at']),
  }))
}

/** Commitments of a binding that are in no epoch, in order, at most so many; and the number of the last. */
export async function readOpenCommitments(
  store: Store,
  bindingId: Hex,
  most: number,
): Promise<{ readonly commitments: readonly Hex[]; readonly lastSeq: number }> {
  const sql = `SELECT seq, commitment FROM log_receipts
    WHERE binding_id = ? AND epoch IS NULL ORDER BY seq LIMIT ?`
  const rows = await store.all(sql, [bindingId, most])
  return {
    commitments: rows.map((row) => hexOf(row['commitment'])),
    lastSeq: Number(rows.at(-1)?.['seq'] ?? 0),
  }
}

/** Bindings that have epochs which are not anchored. */
export async function readUnanchoredLogs(store: Store): Promise<readonly Hex[]> {
  const sql = `SELECT DISTINCT binding_id FROM log_epochs WHERE anchored_at IS NULL ORDER BY binding_id`
  return (await store.all(sql)).map((row) => hexOf(row['binding_id']))
}

/** Epochs of a binding that are not anchored, in order. */
export async function readUnanchored(
  store: Store,
  bindingId: Hex,
): Promise<readonly ClosedEpoch[]> {
  const sql = 'SELECT * FROM log_epochs WHERE anchored_at IS NULL AND binding_id = ? ORDER BY epoch'
  return (await store.all(sql, [bindingId])).map(readEpoch)
}

/** How many epochs are not anchored. */
export async function countUnanchored(store: Store): Promise<number> {
  const sql = 'SELECT count(*) AS waiting FROM log_epochs WHERE anchored_at IS NULL'
  const [row] = await store.all(sql)
  return Number(row?.['waiting'])
}

/** The epoch of that number. */
export async function readEpochAt(
  store: Store,
  bindingId: Hex,
  epoch: number,
): Promise<ClosedEpoch | undefined> {
  const sql = 'SELECT * FROM log_epochs WHERE binding_id = ? AND epoch = ?'
  const [row] = await store.all(sql, [bindingId, epoch])
  return row && readEpoch(row)
}

/** The newest epoch of a binding. */
export async function readLastEpoch(
  store: Store,
  bindingId: Hex,
): Promise<ClosedEpoch | undefined> {
  const sql = 'SELECT * FROM log_epochs WHERE binding_id = ? ORDER BY epoch DESC LIMIT 1'
  const [row] = await store.all(sql, [bindingId])
  return row && readEpoch(row)
}

/** A receipt by its id, with the epoch that it is in. */
export async function readLogged(
  store: Store,
  receiptId: string,
): Promise<
  { readonly logged: LoggedReceipt; readonly epoch: ClosedEpoch | undefined } | undefined
> {
  const [row] = await store.all('SELECT * FROM log_receipts WHERE receipt_id = ?', [receiptId])
  if (row === undefined) return undefined
  const logged = {
    receiptId: hexOf(row['receipt_id']),
    bindingId: hexOf(row['binding_id']),
    commitment: hexOf(row['commitment']),
    salt: hexOf(row['salt']),
    credential: String(row['credential']),
    madeAt: Number(row['made_at']),
  }
  if (row['epoch'] === null) return { logged, epoch: undefined }
  return { logged, epoch: await readEpochAt(store, logged.bindingId, Number(row['epoch'])) }
}

/** Commitments of a closed epoch, in order. */
export async function readCommitments(
  store: Store,
  { bindingId, epoch }: Pick<ClosedEpoch, 'bindingId' | 'epoch'>,
): Promise<readonly Hex[]> {
  const sql = 'SELECT commitment FROM log_receipts WHERE binding_id = ? AND epoch = ? ORDER BY seq'
  return (await store.all(sql, [bindingId, epoch])).map((row) => hexOf(row['commitment']))
}

function readEpoch(row: SqlRow): ClosedEpoch {
  return {
    bindingId: hexOf(row['binding_id']),
    epoch: Number(row['epoch']),
    previous: hexOf(row['previous']),
    root: hexOf(row['root']),
    size: Number(row['size']),
    digest: hexOf(row['digest']),
    locator: String(row['locator']),
    closedAt: Number(row['closed_at']),
    anchoredAt: row['anchored_at'] === null ? undefined : Number(row['anchored_at']),
  }
}
