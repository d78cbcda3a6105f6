import Sqlite from 'libsql/promise'

/** What a column holds here. Whole numbers stay below 2^53; larger ones are decimal text. */
export type SqlValue = string | number | Uint8Array | null

/** One row by column name. */
export type SqlRow = Readonly<Record<string, SqlValue>>

/** One connection to a SQLite file. */
export interface SqliteConnection {
  /** Runs a statement that was prepared before, now; returns how many rows it changed. */
  run(sql: string, values: readonly SqlValue[]): number
  /** Makes a statement ready; once for each text. */
  prepare(sql: string): Promise<void>
  /** The rows of a query. */
  all(sql: string, values?: readonly SqlValue[]): Promise<readonly SqlRow[]>
  /** Runs statements in a thread of the library: a commit waits there for the disk, and answers go on meanwhile. */
  execute(sql: string): Promise<void>
  close(): void
}

/** How long another connection may hold the file, in milliseconds. */
const BUSY_MS = 5_000

/** The library's own types say `any`. */
interface Statement {
  run(values: readonly SqlValue[]): { readonly changes: number }
  all(values: readonly SqlValue[]): Promise<readonly Readonly<Record<string, unknown>>[]>
}

/** Opens a file, making it where there is none; the only place that knows the library. */
export function connectSqlite(path: string): SqliteConnection {
  const database = new Sqlite(path, { timeout: BUSY_MS })
  const prepared = new Map<string, Statement>()
  const prepare = async (sql: string): Promise<Statement> => {
    const known = prepared.get(sql)
    if (known !== undefined) return known
    const statement = (await database.prepare(sql)) as Statement
    prepared.set(sql, statement)
    return statement
  }
  let lastRead: Promise<unknown> = Promise.resolve()
  const ready = (sql: string): Statement => {
    const statement = prepared.get(sql)
    if (statement === undefined) throw new Error('a statement that was not prepared')
    return statement
  }
  return {
    run: (sql, values) => ready(sql).run([...values]).changes,
    prepare: async (sql) => {
      await prepare(sql)
    },
    all: (sql, values = []) => {
      // One after the other: a statement has one cursor, which two readers would take from each other.
      const rows = lastRead.then(async () => {
        const found = await (await prepare(sql)).all([...values])
        return found.map(withBytes)
      })
      lastRead = rows.catch(() => undefined)
      return rows
    },
    execute: async (sql) => {
      await database.exec(sql)
    },
    close: () => {
      // Statements hold the file open.
      prepared.clear()
      database.close()
    },
  }
}

/** The library gives blobs as bare memory. */
function withBytes(row: Readonly<Record<string, unknown>>): SqlRow {
  const entries = Object.entries(row).map(([name, value]) => [
    name,
    value instanceof ArrayBuffer ? new Uint8Array(value) : value,
  ])
  return Object.fromEntries(entries) as SqlRow
}
