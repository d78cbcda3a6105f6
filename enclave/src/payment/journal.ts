import { mkdir, open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { Hex, RequestAuth } from '@jeju/verifier/protocol'
import type { SettlementItem } from '../chain/node-chain.ts'
import { readIfPresent, writeDurably } from '../storage/durable-file.ts'
import { decodeEntry, encodeEntry, type JournalEntry } from './journal-entry.ts'
import { JournalState } from './journal-state.ts'

/**
 * The node's memory of authorisations, on disk before anything depends on it: no authorisation is served twice, not
 * after a crash either (attack N9), and no earned receipt is lost (attack N11).
 */
export interface Journal {
  /** Whether an authorisation, or its nonce in that channel, was taken before. */
  knows(authHash: Hex, auth: RequestAuth): boolean
  /** Records an authorisation before inference. False when it is known. */
  start(authHash: Hex, auth: RequestAuth): Promise<boolean>
  /** Records the receipt; from now on the channel owes `fee`. */
  finish(item: SettlementItem, fee: bigint): Promise<void>
  /** Records that an item needs no further settlement. */
  settled(authHash: Hex, status: string): Promise<void>
  /** Wei of a channel that is promised and may not yet show in its `spent`. */
  reserved(channelId: Hex): bigint
  /** Receipts that wait for settlement, oldest first. */
  unsettled(): readonly SettlementItem[]
  close(): Promise<void>
}

const FILE = 'journal.jsonl'
/**
 * The file is rewritten, and what expired forgotten, when it holds this many lines and this many times what it held
 * after the last time (attack S6).
 */
const MIN_COMPACTION_LINES = 4096
const COMPACTION_RATIO = 4

/**
 * Opens the journal in a state folder, dropping what can never matter again.
 * @throws JournalError `JOURNAL_CORRUPT`
 */
export async function openJournal(stateDir: string, now: () => Date): Promise<Journal> {
  await mkdir(stateDir, { recursive: true })
  const path = join(stateDir, FILE)
  const nowMs = (): number => now().getTime()
  const state = await readState(path, nowMs())
  const log = await openLog(path, state, nowMs)
  const record = async (entry: JournalEntry): Promise<void> => {
    log.assertWorking()
    // The state first and without a pause, so that two requests can never both pass.
    state.apply(entry, nowMs())
    await log.append(entry)
  }
  return {
    knows: (authHash, auth) => state.knows(authHash, auth),
    start: async (authHash, auth) => {
      if (state.knows(authHash, auth)) return false
      await record({ type: 'started', authHash, auth })
      return true
    },
    finish: (item, fee) => record({ type: 'finished', item, fee }),
    settled: (authHash, status) => record({ type: 'settled', authHash, status }),
    reserved: (channelId) => state.reserved(channelId, nowMs()),
    unsettled: () => state.unsettled(),
    close: () => log.close(),
  }
}

async function readState(path: string, nowMs: number): Promise<JournalState> {
  const state = new JournalState()
  const lines = ((await readIfPresent(path))?.toString('utf8') ?? '').split('\n')
  // A crash can leave a last line without its end; nothing depended on it yet.
  lines.pop()
  for (const [index, line] of lines.entries()) state.apply(decodeEntry(line, index + 1), nowMs)
  state.forgetUnfinished()
  return state
}

/** Lines on disk, written one after the other. */
interface Log {
  /** Throws what the disk failed with: after one failure every later entry fails too. */
  assertWorking(): void
  /** Resolves when the entry is on disk. */
  append(entry: JournalEntry): Promise<void>
  close(): Promise<void>
}

async function openLog(path: string, state: JournalState, nowMs: () => number): Promise<Log> {
  let lines = 0
  let kept = 0
  const compact = async (): Promise<FileHandle> => {
    state.forgetExpired(nowMs())
    const entries = state.entries()
    await writeDurably(path, entries.map(encodeEntry).join(''))
    lines = kept = entries.length
    return open(path, 'a')
  }
  let file = await compact()
  const write = async (entries: readonly JournalEntry[]): Promise<void> => {
    await file.appendFile(entries.map(encodeEntry).join(''))
    await file.datasync()
    lines += entries.length
    if (lines < MIN_COMPACTION_LINES || lines < COMPACTION_RATIO * kept) return
    const old = file
    file = await compact()
    await old.close()
  }
  let last: Promise<void> = Promise.resolve()
  let pending: JournalEntry[] = []
  let failure: { readonly error: unknown } | undefined
  return {
    assertWorking: () => {
      if (failure !== undefined) throw failure.error
    },
    append: (entry) => {
      pending.push(entry)
      // What comes while the disk is busy goes to it together.
      if (pending.length === 1) {
        last = last.then(() => {
          const entries = pending
          pending = []
          return write(entries)
        })
        last.catch((error: unknown) => (failure ??= { error }))
      }
      return last
    },
    close: async () => {
      await last.catch(() => undefined)
      await file.close()
    },
  }
}
