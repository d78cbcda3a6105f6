import { setTimeout as delay } from 'node:timers/promises'
import postgres from 'postgres'
import type { Logger } from '../logging.ts'
import { MIGRATIONS } from './migrations.ts'
import type { LedgerEntry, ReceiptLedger } from './receipt-ledger.ts'

/** What {@link connectPostgres} needs. */
export interface PostgresOptions {
  /** `postgres:`; it may hold a password and appears in no log. */
  readonly url: string
  readonly logger: Logger
  /** Entries that wait at most. */
  readonly maxWaiting?: number
  /** How long the end waits for a server that is away. */
  readonly closeMs?: number
}

const MAX_WAITING = 50_000
const CLOSE_MS = 60_000
/** Entries of one statement: far from the protocol's 65,534 parameters. */
const MAX_BATCH = 500
/** Entries that come within this go together. */
const GATHER_MS = 50
const FIRST_RETRY_MS = 200
const MAX_RETRY_MS = 5_000
const CONNECT_TIMEOUT_S = 5
/** Names the lock under which replicas migrate one after another. */
const MIGRATION_LOCK = 0x6a656a75

/**
 * The ledger in PostgreSQL; the only file that knows its client. Entries are written in batches beside the requests,
 * again and again until the server has them. A row is written once, whoever sends it, and never changed.
 */
export function connectPostgres(options: PostgresOptions): ReceiptLedger {
  const { url, logger, maxWaiting = MAX_WAITING, closeMs = CLOSE_MS } = options
  const sql = postgres(url, {
    max: 1,
    connect_timeout: CONNECT_TIMEOUT_S,
    onnotice: () => undefined,
  })
  const waiting: Waiting[] = []
  const ended = new AbortController()
  let isMigrated = false
  let closing = false
  let writing: Promise<void> | undefined

  const migrate = async (): Promise<void> => {
    await sql.begin(async (tx) => {
      await tx`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`
      await tx`CREATE TABLE IF NOT EXISTS jeju_migrations (version integer PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())`
      const done = await tx`SELECT version FROM jeju_migrations`
      for (const [version, text] of MIGRATIONS.entries()) {
        if (done.some((row) => row['version'] === version)) continue
        await tx.unsafe(text)
        await tx`INSERT INTO jeju_migrations (version) VALUES (${version})`
      }
    })
    isMigrated = true
  }
  const write = async (): Promise<void> => {
    if (!isMigrated) await migrate()
    const batch = waiting.slice(0, MAX_BATCH)
    if (batch.length === 0) return
    // Sent twice where the answer to the first was lost.
    const written =
      await sql`INSERT INTO jeju_receipts ${sql(batch.map(({ entry }) => rowOf(entry)))}
      ON CONFLICT (auth_hash) DO NOTHING RETURNING auth_hash`
    const isNew = new Set(written.map((row) => String(row['auth_hash'])))
    const others = batch.filter(({ entry }) => !isNew.has(entry.authHash))
    if (others.length > 0) await compare(others)
    waiting.splice(0, batch.length)
  }
  /** What was kept before, by another replica or before a start, is the same receipt or another. */
  const compare = async (others: readonly Waiting[]): Promise<void> => {
    const names = others.map(({ entry }) => entry.authHash)
    const rows =
      await sql`SELECT auth_hash, receipt FROM jeju_receipts WHERE auth_hash IN ${sql(names)}`
    const kept = new Map(rows.map((row) => [String(row['auth_hash']), String(row['receipt'])]))
    for (const { entry, onOther } of others) {
      const receipt = kept.get(entry.authHash)
      if (receipt === undefined || receipt === entry.receipt) continue
      try {
        onOther?.(receipt)
      } catch (error) {
        // Whatever stands in a row must not keep those that come after it from being written.
        logger.error({ error: codeOf(error) }, 'a receipt could not be compared')
      }
    }
  }
  const writeAll = async (): Promise<void> => {
    let failures = 0
    while (!ended.signal.aborted && (waiting.length > 0 || !isMigrated)) {
      try {
        await write()
        if (failures > 0) logger.info({ waiting: waiting.length }, 'the ledger is back')
        failures = 0
      } catch (error) {
        if (failures === 0) logger.warn({ reason: codeOf(error) }, 'the ledger is away')
        const waitMs = Math.min(FIRST_RETRY_MS * 2 ** failures++, MAX_RETRY_MS)
        await delay(waitMs, undefined, { signal: ended.signal }).catch(() => undefined)
      }
      if (!closing) await delay(GATHER_MS)
    }
  }
  const start = (): void => {
    writing ??= writeAll().finally(() => {
      writing = undefined
      if (waiting.length > 0 && !ended.signal.aborted) start()
    })
  }
  start()
  return {
    add: (entry, onOther) => {
      waiting.push({ entry, onOther })
      start()
    },
    get waiting() {
      return waiting.length
    },
    get isFull() {
      return waiting.length >= maxWaiting
    },
    close: async () => {
      closing = true
      // A server that answers nothing more holds no gateway: its last statement is not waited for.
      const late = new Promise<void>((resolve) => {
        ended.signal.addEventListener('abort', () => resolve(), { once: true })
      })
      const timer = setTimeout(() => ended.abort(), closeMs)
      while (writing !== undefined && !ended.signal.aborted) await Promise.race([writing, late])
      clearTimeout(timer)
      if (waiting.length > 0) logger.error({ lost: waiting.length }, 'receipts were not written')
      await sql.end({ timeout: CONNECT_TIMEOUT_S })
    },
  }
}

interface Waiting {
  readonly entry: LedgerEntry
  readonly onOther: ((receipt: string) => void) | undefined
}

function rowOf(entry: LedgerEntry): Readonly<Record<string, string | number>> {
  return {
    at: new Date(entry.at).toISOString(),
    auth_hash: entry.authHash,
    agent_id: entry.agentId.toString(),
    binding_id: entry.bindingId,
    wallet: entry.wallet,
    channel_id: entry.channelId,
    model_id: entry.modelId,
    price_version: entry.priceVersion,
    input_tokens: entry.inputTokens,
    output_tokens: entry.outputTokens,
    fee_wei: entry.fee.toString(),
    receipt: entry.receipt,
  }
}

/** Code or name only: a message may quote the statement. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
