import { setTimeout as delay } from 'node:timers/promises'
import { sha256, toHex, type ArchivedContent, type Hex } from '@jeju/verifier/protocol'
import { backoffMs } from '../attestation/backoff.ts'
import type { Logger } from '../logging.ts'
import type { LogMetrics } from '../metrics.ts'
import type { SqlRow } from '../storage/sqlite.ts'
import type { Change, Store } from '../storage/store.ts'
import type { Archive, ArchiveItem } from './archive.ts'
import type { Tag } from './data-item.ts'

/** What content is, which stands in its tags. */
export type ContentKind = 'evidence' | 'epoch' | 'registration'

/** Content that waits for its archive in the node's database: a dead archive costs a retry, and never an answer. */
export interface ArchiveQueue {
  /** Whether anything is archived at all. */
  readonly active: boolean
  /** Where content will be, and what has to be written down so that it gets there. Asks nobody. */
  stage(
    content: Uint8Array,
    kind: ContentKind,
  ): { readonly archived: ArchivedContent; readonly changes: readonly Change[] }
  /** {@link ArchivedContent} of what was staged before; undefined where it was not. */
  find(digest: Hex): Promise<ArchivedContent | undefined>
  /** Hands over what is due and reads back what was handed over, until the signal: what is left waits as if never tried. */
  work(signal?: AbortSignal): Promise<void>
  /** Works until the signal. */
  run(signal: AbortSignal): Promise<void>
}

/** Collaborators of {@link createArchiveQueue}. */
export interface ArchiveQueueParts {
  /** Undefined where nothing is archived: content then has a digest and no locator. */
  readonly archive: Archive | undefined
  readonly store: Store
  readonly metrics: LogMetrics
  /** Who archives: agent and binding, for whoever searches by tags. */
  readonly tags: readonly Tag[]
  readonly logger: Logger
  readonly now: () => Date
}

const POLL_MS = 2_000
const RETRY = { firstMs: 5_000, maxMs: 600_000 }
/** Contents looked at in one round. */
const ROUND = 8
/** What no gateway gives back by then is handed over again, in milliseconds. */
const LOST_AFTER_MS = 3_600_000
/** A bundler's cache gives back at once what may never be mined: only what is still there after this long is kept. */
const READ_AGAIN_MS = 6 * 3_600_000
/**
 * Of contents that wait, the oldest are given up beyond this many: the disk is the node's (attack S6). An epoch is not, while the
 * log has it: the chain names its document, and nobody can make it again.
 */
const MAX_WAITING = 2_048

const MEDIA_TYPES: Readonly<Record<ContentKind, string>> = {
  evidence: 'application/jeju-evidence+cbor',
  epoch: 'application/json',
  registration: 'application/json',
}

const DUE = `
  SELECT digest, locator, payload, state, attempts, stored_at_ms FROM archived
  WHERE state != 'kept' AND due_at_ms <= ? ORDER BY due_at_ms LIMIT ${ROUND}`
const WAITING = `SELECT count(*) AS waiting FROM archived WHERE state IN ('waiting', 'stored')`
const GIVE_UP = `
  DELETE FROM archived WHERE state != 'kept' AND digest NOT IN (SELECT digest FROM log_epochs)
  AND rowid NOT IN (
    SELECT rowid FROM archived WHERE state != 'kept' ORDER BY rowid DESC LIMIT ?)`

/** A queue over the node's database. */
export function createArchiveQueue(parts: ArchiveQueueParts): ArchiveQueue {
  const { archive, store, metrics, logger, now } = parts
  const scheme = archive?.pack(new Uint8Array(), parts.tags).locator.split(':')[0] ?? ''
  const find: ArchiveQueue['find'] = async (digest) => {
    const sql = 'SELECT locator FROM archived WHERE digest = ? ORDER BY rowid DESC LIMIT 1'
    const [row] = await store.all(sql, [digest])
    return row === undefined ? undefined : { digest, locator: String(row['locator']) }
  }
  const advance = async (place: Archive, row: Due, signal?: AbortSignal): Promise<void> => {
    const { item, state, attempts, storedAtMs } = row
    const nowMs = now().getTime()
    try {
      if (state === 'waiting') {
        await place.store(item, signal)
        metrics.archived('stored')
        await store.write([update(item, { state: 'stored', dueAtMs: nowMs, storedAtMs: nowMs })])
      }
      await place.get(item.locator, item.digest, signal)
      if (state === 'seen') metrics.archived('kept')
      const seen = { state: 'seen', dueAtMs: nowMs + READ_AGAIN_MS, storedAtMs: nowMs } as const
      await store.write([state === 'seen' ? keep(item) : update(item, seen)])
    } catch (error) {
      if (signal?.aborted === true) return
      metrics.archived('failed')
      const reason = error instanceof Error ? error.message.slice(0, 200) : 'failed'
      logger.warn({ locator: item.locator, reason, attempts: attempts + 1 }, 'not archived yet')
      const dueAtMs = now().getTime() + backoffMs(attempts + 1, RETRY)
      const isLost = state !== 'waiting' && nowMs - storedAtMs > LOST_AFTER_MS
      await store.write([
        isLost ? update(item, { state: 'waiting', dueAtMs, storedAtMs: 0 }) : retry(item, dueAtMs),
      ])
    }
  }
  const work = async (signal?: AbortSignal): Promise<void> => {
    if (archive === undefined) return
    const rows = await store.all(DUE, [now().getTime()])
    for (const row of rows.map(readDue)) {
      if (signal?.aborted === true) return
      // Of an archive that was configured before; nobody can hand it over any more.
      if (row.item.locator.startsWith(`${scheme}:`)) await advance(archive, row, signal)
      else
        await store.write([
          { sql: 'DELETE FROM archived WHERE locator = ?', values: [row.item.locator] },
        ])
    }
    if (rows.length > 0) await store.write([{ sql: GIVE_UP, values: [MAX_WAITING] }])
    const [count] = await store.all(WAITING)
    metrics.archiveWaiting(Number(count?.['waiting']))
  }
  return {
    active: archive !== undefined,
    find,
    stage: (content, kind) => {
      if (archive === undefined) {
        return { archived: { digest: toHex(sha256(content)), locator: undefined }, changes: [] }
      }
      const tags = [
        { name: 'Content-Type', value: MEDIA_TYPES[kind] },
        { name: 'Jeju-Content', value: kind },
        ...parts.tags,
      ]
      const item = archive.pack(content, tags)
      const { digest, locator } = item
      return { archived: { digest, locator }, changes: [insert(item, now().getTime())] }
    },
    work,
    run: async (signal) => {
      while (!signal.aborted) {
        await work(signal).catch((error: unknown) => {
          logger.error({ reason: error instanceof Error ? error.name : '' }, 'archive queue failed')
        })
        await delay(POLL_MS, undefined, { signal }).catch(() => undefined)
      }
    },
  }
}

/** Of what is not kept yet: nobody has it, it was handed over, it was read back once. */
const STATES = ['waiting', 'stored', 'seen'] as const

interface Due {
  readonly item: ArchiveItem
  readonly state: (typeof STATES)[number]
  readonly attempts: number
  readonly storedAtMs: number
}

function readDue(row: SqlRow): Due {
  const { digest, locator, payload, state, attempts, stored_at_ms: storedAtMs } = row
  return {
    item: {
      digest: String(digest) as Hex,
      locator: String(locator),
      payload: payload instanceof Uint8Array ? payload : new Uint8Array(),
    },
    state: STATES.find((known) => known === state) ?? 'waiting',
    attempts: Number(attempts),
    storedAtMs: Number(storedAtMs),
  }
}

function insert({ digest, locator, payload }: ArchiveItem, nowMs: number): Change {
  return {
    sql: `INSERT OR IGNORE INTO archived (locator, digest, payload, state, attempts, due_at_ms, stored_at_ms)
      VALUES (?, ?, ?, 'waiting', 0, ?, 0)`,
    values: [locator, digest, payload, nowMs],
  }
}

function update(
  { locator }: ArchiveItem,
  to: { readonly state: Due['state']; readonly dueAtMs: number; readonly storedAtMs: number },
): Change {
  return {
    sql: 'UPDATE archived SET state = ?, attempts = 0, due_at_ms = ?, stored_at_ms = ? WHERE locator = ?',
    values: [to.state, Math.round(to.dueAtMs), to.storedAtMs, locator],
  }
}

function retry({ locator }: ArchiveItem, dueAtMs: number): Change {
  return {
    sql: 'UPDATE archived SET attempts = attempts + 1, due_at_ms = ? WHERE locator = ?',
    values: [Math.round(dueAtMs), locator],
  }
}

function keep({ locator }: ArchiveItem): Change {
  return {
    sql: `UPDATE archived SET state = 'kept', payload = NULL WHERE locator = ?`,
    values: [locator],
  }
}
