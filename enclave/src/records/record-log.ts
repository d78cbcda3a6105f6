import type { AciDocument } from '@jeju/verifier/protocol'
import { z } from 'zod'
import type { Logger } from '../logging.ts'
import type { Change, Store } from '../storage/store.ts'

/** What is kept of an exchange: hashes and names, never content. */
export interface KeptExchange {
  readonly receiptId: string
  readonly chatId: string | null
  readonly model: string | null
  /** SHA-256 of the authorisation header. */
  readonly credential: string
  /** Whether the hashes are over sealed bytes, and say nothing to who guesses the prompt (attack E11). */
  readonly sealed: boolean
  /** Unix seconds. */
  readonly servedAt: number
  /** Bare hex over the bytes of the wire. */
  readonly requestSha256: string
  readonly responseSha256: string
  /** Signed ACI receipt. */
  readonly receipt: AciDocument
}

/** The exchanges of the last hours, on disk. */
export interface RecordLog {
  /** Found from now on; on disk soon. `refused` where nothing was served for it. */
  keep(exchange: KeptExchange, refused: boolean): void
  find(id: string): Promise<KeptExchange | undefined>
  /** Resolves when everything kept so far is on disk. */
  flush(): Promise<void>
}

/**
 * How many are kept. Each that was served was paid for; refusals cost nothing, so they have a small share of their own
 * and push out nobody else's.
 */
const MAX_SERVED = 65_536
const MAX_REFUSED = 1_024
/** How long a record is served, in seconds. */
const LIFE_S = 24 * 3600
/** After this many, what is too old or too much is removed. */
const TRIM_EVERY = 256

const kept = z.object({
  receiptId: z.string(),
  chatId: z.string().nullable(),
  model: z.string().nullable(),
  credential: z.string(),
  sealed: z.boolean(),
  servedAt: z.number(),
  requestSha256: z.string(),
  responseSha256: z.string(),
  receipt: z.record(z.string(), z.json()),
})

const FIND = `
  SELECT record FROM exchanges WHERE receipt_id = ?1 OR chat_id = ?1 ORDER BY receipt_id = ?1 DESC LIMIT 1`

/**
 * The log in the node's database. A crash loses at most the records of the last moment; their compute receipts, which
 * are what is paid, are in the journal.
 */
export async function openRecordLog(
  store: Store,
  logger: Logger,
  now: () => Date,
): Promise<RecordLog> {
  const nowS = (): number => Math.floor(now().getTime() / 1000)
  const underWay = new Map<string, KeptExchange>()
  const written = new Set<Promise<unknown>>()
  let count = 0
  await store.write(trim(nowS()))
  const write = async (exchange: KeptExchange, refused: boolean): Promise<void> => {
    try {
      const extra = ++count % TRIM_EVERY === 0 ? trim(nowS()) : []
      await store.writeSoon([insert(exchange, refused), ...extra])
    } catch {
      logger.error('a record of an exchange could not be written')
    } finally {
      for (const id of idsOf(exchange)) underWay.delete(id)
    }
  }
  return {
    keep: (exchange, refused) => {
      for (const id of idsOf(exchange)) underWay.set(id, exchange)
      const writing = write(exchange, refused).finally(() => written.delete(writing))
      written.add(writing)
    },
    find: async (id) => {
      const found = underWay.get(id) ?? read((await store.all(FIND, [id]))[0]?.['record'])
      return found !== undefined && found.servedAt > nowS() - LIFE_S ? found : undefined
    },
    flush: async () => {
      await Promise.all(written)
    },
  }
}

function idsOf({ receiptId, chatId }: KeptExchange): readonly string[] {
  return chatId === null ? [receiptId] : [receiptId, chatId]
}

function insert(exchange: KeptExchange, refused: boolean): Change {
  const { receiptId, chatId, servedAt } = exchange
  return {
    sql: `INSERT OR REPLACE INTO exchanges (receipt_id, chat_id, served_at, refused, record)
      VALUES (?, ?, ?, ?, ?)`,
    values: [receiptId, chatId, servedAt, refused ? 1 : 0, JSON.stringify(exchange)],
  }
}

function trim(nowS: number): readonly Change[] {
  const most = (refused: number, kept: number): Change => ({
    sql: `DELETE FROM exchanges WHERE refused = ? AND rowid <= (
      SELECT rowid FROM exchanges WHERE refused = ? ORDER BY rowid DESC LIMIT 1 OFFSET ?)`,
    values: [refused, refused, kept],
  })
  return [
    { sql: 'DELETE FROM exchanges WHERE served_at < ?', values: [nowS - LIFE_S] },
    most(0, MAX_SERVED),
    most(1, MAX_REFUSED),
  ]
}

/** What another version wrote counts as lost: nothing is owed for a record. */
function read(text: unknown): KeptExchange | undefined {
  if (typeof text !== 'string') return undefined
  const parsed = kept.safeParse(JSON.parse(text))
  return parsed.success ? (parsed.data as KeptExchange) : undefined
}
