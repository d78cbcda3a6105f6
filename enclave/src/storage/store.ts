import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { migrate, StoreError } from './schema.ts'
import { connectSqlite, type SqliteConnection, type SqlRow, type SqlValue } from './sqlite.ts'

/** One statement and its values. */
export interface Change {
  readonly sql: string
  readonly values: readonly SqlValue[]
}

/** The node's one database: what must outlive a crash. */
export interface Store {
  /**
   * Makes changes together or not at all; returns how many rows each of them changed. When it resolves they are on disk.
   * What comes while the disk is busy goes to it together.
   */
  write(changes: readonly Change[]): Promise<readonly number[]>
  /** The same for what nobody waits for: it goes with the next {@link Store.write}, or a moment later by itself. */
  writeSoon(changes: readonly Change[]): Promise<readonly number[]>
  /** Rows of what is on disk. */
  all(sql: string, values?: readonly SqlValue[]): Promise<readonly SqlRow[]>
  /** Throws what the disk failed with: after one failure nothing is written any more. */
  assertWorking(): void
  close(): Promise<void>
}

const FILE = 'node.db'
/** A commit takes as long as the disk; what is not waited for keeps nobody else waiting. Milliseconds. */
const SOON_MS = 50

interface Waiting {
  readonly changes: readonly Change[]
  readonly done: (changed: readonly number[]) => void
  readonly failed: (error: unknown) => void
}

/**
 * Opens the database in a state folder, making it where there is none.
 * @throws StoreError `STORE_CORRUPT`, `STORE_TOO_NEW`
 */
export async function openStore(stateDir: string): Promise<Store> {
  await mkdir(stateDir, { recursive: true })
  const path = join(stateDir, FILE)
  const writer = await openConnection(path)
  try {
    await migrate(writer)
  } catch (error) {
    writer.close()
    throw error
  }
  // Readers see the last commit, and never wait for the one under way.
  const reader = await openConnection(path)
  let waiting: Waiting[] = []
  let failure: { readonly error: unknown } | undefined
  let last: Promise<void> | undefined
  let soon: NodeJS.Timeout | undefined
  const assertWorking = (): void => {
    if (failure !== undefined) throw failure.error
  }
  let isAwaited = false
  const drain = async (): Promise<void> => {
    while (isAwaited) {
      isAwaited = false
      clearTimeout(soon)
      soon = undefined
      const group = waiting
      waiting = []
      try {
        assertWorking()
        const changed = await commit(
          writer,
          group.map(({ changes }) => changes),
        )
        for (const [index, { done }] of group.entries()) done(changed[index] ?? [])
      } catch (error) {
        failure ??= { error }
        for (const { failed } of group) failed(error)
      }
    }
    last = undefined
  }
  const begin = (): void => {
    isAwaited = true
    last ??= Promise.resolve().then(drain)
  }
  const add = (changes: readonly Change[]): Promise<readonly number[]> =>
    new Promise((done, failed) => waiting.push({ changes, done, failed }))
  return {
    write: (changes) => {
      begin()
      return add(changes)
    },
    writeSoon: (changes) => {
      soon ??= setTimeout(begin, SOON_MS)
      return add(changes)
    },
    all: (sql, values) => reader.all(sql, values),
    assertWorking,
    close: async () => {
      if (waiting.length > 0) begin()
      await last
      failure ??= { error: new Error('the store is closed') }
      reader.close()
      writer.close()
    },
  }
}

async function openConnection(path: string): Promise<SqliteConnection> {
  const connection = connectSqlite(path)
  try {
    // FULL: a commit is on disk when it returns.
    await connection.all('PRAGMA journal_mode = WAL')
    await connection.execute('PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;')
  } catch {
    connection.close()
    throw new StoreError('STORE_CORRUPT', 'database: not a database')
  }
  return connection
}

/** One transaction for many callers; each gets what its own changes did. */
async function commit(
  writer: SqliteConnection,
  groups: readonly (readonly Change[])[],
): Promise<readonly (readonly number[])[]> {
  for (const { sql } of [BEGIN, ...groups.flat()]) await writer.prepare(sql)
  writer.run(BEGIN.sql, [])
  try {
    const changed = groups.map((changes) =>
      changes.map(({ sql, values }) => writer.run(sql, values)),
    )
    await writer.execute('COMMIT')
    return changed
  } catch (error) {
    await writer.execute('ROLLBACK').catch(() => undefined)
    throw error
  }
}

const BEGIN: Change = { sql: 'BEGIN IMMEDIATE', values: [] }
