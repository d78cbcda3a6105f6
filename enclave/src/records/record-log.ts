import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AciDocument } from '@jeju/verifier/protocol'
import { z } from 'zod'
import type { Logger } from '../logging.ts'
import { readIfPresent, writeDurably } from '../storage/durable-file.ts'

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

/** The exchanges of the last hours, in memory and on disk. */
export interface RecordLog {
  keep(exchange: KeptExchange): void
  find(id: string): KeptExchange | undefined
  /** Resolves when everything kept so far is on disk. */
  flush(): Promise<void>
}

const FILE = 'exchanges.jsonl'
const MAX_KEPT = 8192
/** How long a record is served, in seconds. */
const LIFE_S = 24 * 3600

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

/**
 * Opens the log in a state folder, without what is too old. A crash loses at most the record under way; its compute
 * receipt, which is what is paid, is in the journal.
 */
export async function openRecordLog(
  stateDir: string,
  logger: Logger,
  now: () => Date,
): Promise<RecordLog> {
  const path = join(stateDir, FILE)
  const byReceipt = new Map<string, KeptExchange>()
  const byChat = new Map<string, KeptExchange>()
  const nowS = (): number => now().getTime() / 1000
  const add = (exchange: KeptExchange): void => {
    byReceipt.set(exchange.receiptId, exchange)
    if (exchange.chatId !== null) byChat.set(exchange.chatId, exchange)
    for (const [id, oldest] of byReceipt) {
      if (byReceipt.size <= MAX_KEPT && oldest.servedAt > nowS() - LIFE_S) break
      byReceipt.delete(id)
      if (oldest.chatId !== null) byChat.delete(oldest.chatId)
    }
  }
  for (const exchange of readLines(await readIfPresent(path))) add(exchange)
  const rewrite = (): Promise<void> =>
    writeDurably(path, [...byReceipt.values()].map(encode).join(''))
  await rewrite()
  let lines = byReceipt.size
  let last: Promise<void> = Promise.resolve()
  const write = async (exchange: KeptExchange): Promise<void> => {
    if (++lines > 2 * MAX_KEPT) {
      await rewrite()
      lines = byReceipt.size
    } else {
      await appendFile(path, encode(exchange))
    }
  }
  return {
    keep: (exchange) => {
      add(exchange)
      last = last
        .then(() => write(exchange))
        .catch(() => logger.error('a record of an exchange could not be written'))
    },
    find: (id) => {
      const found = byReceipt.get(id) ?? byChat.get(id)
      return found !== undefined && found.servedAt > nowS() - LIFE_S ? found : undefined
    },
    flush: () => last,
  }
}

function encode(exchange: KeptExchange): string {
  return `${JSON.stringify(exchange)}\n`
}

/** Lines that a crash cut, or another version wrote, are left out: nothing is owed for a record. */
function readLines(content: Buffer | undefined): readonly KeptExchange[] {
  return (content?.toString('utf8') ?? '').split('\n').flatMap((line) => {
    try {
      const parsed = kept.safeParse(JSON.parse(line))
      return parsed.success ? [parsed.data as KeptExchange] : []
    } catch {
      return []
    }
  })
}
