import { createHash } from 'node:crypto'
import type { Hex } from '@jeju/verifier/protocol'
import Database from 'libsql'
import type { Cursor, GatewayStore } from './gateway-store.ts'

/** Findings that are kept; the oldest go first. */
const MAX_FINDINGS = 10_000

/** Days of budgets are kept for so long: a request may be settled after midnight. */
const BUDGET_MS = 2 * 24 * 3600_000

const TABLES = `
  CREATE TABLE IF NOT EXISTS chain (deployment TEXT PRIMARY KEY);
  CREATE TABLE IF NOT EXISTS cursor (one INTEGER PRIMARY KEY CHECK (one = 1), block TEXT NOT NULL, hash TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS agents (id TEXT PRIMARY KEY);
  CREATE TABLE IF NOT EXISTS sessions (id TEXT PRIMARY KEY, document TEXT NOT NULL, keep_until INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS findings (at INTEGER NOT NULL, agent TEXT NOT NULL, binding TEXT NOT NULL, evidence TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS distrusted (binding TEXT PRIMARY KEY, until INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS budgets (account TEXT NOT NULL, day TEXT NOT NULL, spent TEXT NOT NULL, PRIMARY KEY (account, day));
  CREATE TABLE IF NOT EXISTS used (name TEXT PRIMARY KEY, until INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS fees (channel TEXT PRIMARY KEY, fee TEXT NOT NULL);
`

/** The store belongs to contracts on another chain, or at other addresses. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code = 'STORE_OF_OTHER_DEPLOYMENT'
}

interface Rows {
  readonly cursor: { readonly block: string; readonly hash: Hex }
  readonly agent: { readonly id: string }
  readonly session: { readonly document: string }
  readonly finding: {
    readonly id: number
    readonly at: number
    readonly agent: string
    readonly binding: Hex
    readonly evidence: string
  }
  readonly budget: { readonly spent: string }
  readonly fees: { readonly fee: string }
  readonly distrusted: { readonly binding: Hex; readonly until: number }
}

/**
 * A store in one file, or in memory for `:memory:`; the only file that knows libsql. `deployment` names the contracts
 * that it is of: what was found in one registry says nothing of another.
 * @throws StoreError
 */
export function openStore(file: string, deployment: string): GatewayStore {
  const db = new Database(file)
  db.pragma('journal_mode = WAL')
  db.exec(TABLES)
  const rows = <Row>(sql: string, ...values: readonly (string | number)[]): readonly Row[] =>
    db.prepare(sql).all(...values) as readonly Row[]
  const run = (sql: string, ...values: readonly (string | number)[]): void =>
    void db.prepare(sql).run(...values)

  run('INSERT INTO chain SELECT ? WHERE NOT EXISTS (SELECT 1 FROM chain)', deployment)
  const [own] = rows<{ deployment: string }>('SELECT deployment FROM chain')
  if (own?.deployment !== deployment) {
    db.close()
    throw new StoreError(`store: expected one of ${deployment}, got ${own?.deployment ?? 'none'}`)
  }
  const feesOf = (channelId: Hex): bigint =>
    BigInt(rows<Rows['fees']>('SELECT fee FROM fees WHERE channel = ?', channelId)[0]?.fee ?? '0')
  /** Row of the finding that a cursor names, if it is the one that stands there. */
  const rowOf = (cursor: string): number | undefined => {
    const id = /^([1-9][0-9]{0,15})-[0-9a-f]{16}$/.exec(cursor)?.[1]
    if (id === undefined) return undefined
    const sql = 'SELECT rowid AS id, * FROM findings WHERE rowid = ?'
    const [row] = rows<Rows['finding']>(sql, Number(id))
    return row !== undefined && cursorOf(row) === cursor ? row.id : undefined
  }
  return {
    discovery: {
      cursor: (): Cursor | undefined => {
        const [row] = rows<Rows['cursor']>('SELECT block, hash FROM cursor')
        return row === undefined ? undefined : { block: BigInt(row.block), hash: row.hash }
      },
      agents: () =>
        rows<Rows['agent']>('SELECT id FROM agents ORDER BY rowid').map(({ id }) => BigInt(id)),
      save: ({ block, hash }, found) => {
        db.transaction(() => {
          for (const id of found) run('INSERT OR IGNORE INTO agents VALUES (?)', id.toString())
          run('INSERT OR REPLACE INTO cursor VALUES (1, ?, ?)', block.toString(), hash)
        })()
      },
    },
    sessions: {
      put: (id, document, keepUntil) =>
        run('INSERT OR REPLACE INTO sessions VALUES (?, ?, ?)', id, document, keepUntil),
      keep: (id, keepUntil) =>
        run('UPDATE sessions SET keep_until = MAX(keep_until, ?) WHERE id = ?', keepUntil, id),
      get: (id) =>
        rows<Rows['session']>('SELECT document FROM sessions WHERE id = ?', id)[0]?.document,
    },
    findings: {
      add: ({ at, agentId, bindingId, evidence }) => {
        run('INSERT INTO findings VALUES (?, ?, ?, ?)', at, agentId.toString(), bindingId, evidence)
        const newest = 'SELECT rowid FROM findings ORDER BY rowid DESC LIMIT ?'
        run(`DELETE FROM findings WHERE rowid NOT IN (${newest})`, MAX_FINDINGS)
      },
      page: (limit, after) => {
        const before = after === undefined ? Number.MAX_SAFE_INTEGER : rowOf(after)
        if (before === undefined) return undefined
        const sql =
          'SELECT rowid AS id, * FROM findings WHERE rowid < ? ORDER BY rowid DESC LIMIT ?'
        const found = rows<Rows['finding']>(sql, before, limit + 1)
        const last = found.length > limit ? found[limit - 1] : undefined
        return {
          findings: found.slice(0, limit).map(({ at, agent, binding, evidence }) => ({
            at,
            agentId: BigInt(agent),
            bindingId: binding,
            evidence,
          })),
          next: last === undefined ? undefined : cursorOf(last),
        }
      },
    },
    distrusted: {
      put: (bindingId, until) =>
        run('INSERT OR REPLACE INTO distrusted VALUES (?, ?)', bindingId, until),
      all: () =>
        new Map(
          rows<Rows['distrusted']>('SELECT * FROM distrusted').map(({ binding, until }) => [
            binding,
            until,
          ]),
        ),
    },
    budgets: {
      spent: (account, day) => {
        const sql = 'SELECT spent FROM budgets WHERE account = ? AND day = ?'
        return BigInt(rows<Rows['budget']>(sql, account, day)[0]?.spent ?? '0')
      },
      set: (account, day, spent) =>
        run('INSERT OR REPLACE INTO budgets VALUES (?, ?, ?)', account, day, spent.toString()),
    },
    used: {
      take: (name, until) =>
        db.prepare('INSERT OR IGNORE INTO used VALUES (?, ?)').run(name, until).changes === 1,
    },
    fees: {
      add: (channelId, fee) => {
        const sum = (feesOf(channelId) + fee).toString()
        run('INSERT OR REPLACE INTO fees VALUES (?, ?)', channelId, sum)
      },
      of: feesOf,
    },
    prune: (nowMs) => {
      run(
        'DELETE FROM budgets WHERE day < ?',
        new Date(nowMs - BUDGET_MS).toISOString().slice(0, 10),
      )
      run('DELETE FROM used WHERE until < ?', nowMs)
      run('DELETE FROM sessions WHERE keep_until < ?', nowMs)
      run('DELETE FROM distrusted WHERE until < ?', nowMs)
    },
    close: () => void db.close(),
  }
}

/** Names a row and what stands in it: rows of another replica's store have the same numbers. */
function cursorOf({ id, at, binding, evidence }: Rows['finding']): string {
  const digest = createHash('sha256').update(`${at} ${binding} ${evidence}`).digest('hex')
  return `${id}-${digest.slice(0, 16)}`
}
