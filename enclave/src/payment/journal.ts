import { mkdir, open, readFile, rename, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { SETTLE_WINDOW_S, type Hex, type RequestAuth } from '@jeju/verifier/protocol'
import type { SettlementItem } from '../chain/node-chain.ts'

/** Entries of the journal; integers beyond 2^53 are decimal strings on disk. */
type Entry =
  | { readonly type: 'started'; readonly authHash: Hex; readonly auth: RequestAuth }
  | { readonly type: 'finished'; readonly item: SettlementItem; readonly fee: bigint }
  | { readonly type: 'settled'; readonly authHash: Hex; readonly status: string }

/** One authorisation this node has taken. */
interface Taken {
  readonly auth: RequestAuth
  /** What it may still cost its channel. */
  readonly reserved: bigint
  readonly item?: SettlementItem
}

/**
 * The node's memory of authorisations, on disk before anything depends on it: no authorisation is served twice, not
 * after a crash either (attack N9), and no earned receipt is lost (attack N11).
 */
export interface Journal {
  /** Records an authorisation before inference. False when it, or its nonce in that channel, was seen before. */
  start(authHash: Hex, auth: RequestAuth): Promise<boolean>
  /** Records the receipt; from now on the channel owes `fee`. */
  finish(item: SettlementItem, fee: bigint): Promise<void>
  /** Records that an item needs no further settlement. */
  settled(authHash: Hex, status: string): Promise<void>
  /** Wei of a channel that is promised and not yet settled. */
  reserved(channelId: Hex): bigint
  /** Receipts that wait for settlement, oldest first. */
  unsettled(): readonly SettlementItem[]
  close(): Promise<void>
}

const FILE = 'journal.jsonl'

/** Opens the journal in a state folder, dropping what can never matter again. */
export async function openJournal(stateDir: string, now: Date): Promise<Journal> {
  await mkdir(stateDir, { recursive: true })
  const path = join(stateDir, FILE)
  const state = new JournalState()
  for (const entry of await readEntries(path)) state.apply(entry)
  state.forgetUnfinished()
  state.forgetExpired(BigInt(Math.floor(now.getTime() / 1000)))
  await rewrite(path, state.entries())
  const file = await open(path, 'a')
  let last: Promise<void> = Promise.resolve()

  const append = (entry: Entry): Promise<void> => {
    last = last.then(() => writeEntry(file, entry))
    return last
  }
  return {
    start: async (authHash, auth) => {
      if (state.knows(authHash, auth)) return false
      const entry = { type: 'started', authHash, auth } as const
      state.apply(entry)
      await append(entry)
      return true
    },
    finish: async (item, fee) => {
      const entry = { type: 'finished', item, fee } as const
      state.apply(entry)
      await append(entry)
    },
    settled: async (authHash, status) => {
      const entry = { type: 'settled', authHash, status } as const
      state.apply(entry)
      await append(entry)
    },
    reserved: (channelId) => state.reserved(channelId),
    unsettled: () => state.unsettled(),
    close: async () => {
      await last
      await file.close()
    },
  }
}

/** What the entries add up to. */
class JournalState {
  readonly #taken = new Map<Hex, Taken>()
  readonly #nonces = new Set<string>()

  apply(entry: Entry): void {
    switch (entry.type) {
      case 'started':
        this.#taken.set(entry.authHash, { auth: entry.auth, reserved: entry.auth.maxFee })
        this.#nonces.add(nonceName(entry.auth))
        break
      case 'finished': {
        const { item, fee } = entry
        this.#taken.set(item.receipt.authHash, { auth: item.auth, reserved: fee, item })
        this.#nonces.add(nonceName(item.auth))
        break
      }
      case 'settled': {
        const taken = this.#taken.get(entry.authHash)
        if (taken !== undefined) {
          this.#taken.set(entry.authHash, { auth: taken.auth, reserved: 0n })
        }
        break
      }
    }
  }

  knows(authHash: Hex, auth: RequestAuth): boolean {
    return this.#taken.has(authHash) || this.#nonces.has(nonceName(auth))
  }

  reserved(channelId: Hex): bigint {
    let sum = 0n
    for (const { auth, reserved } of this.#taken.values()) {
      if (auth.channelId === channelId) sum += reserved
    }
    return sum
  }

  unsettled(): readonly SettlementItem[] {
    return [...this.#taken.values()].flatMap(({ item }) => (item === undefined ? [] : [item]))
  }

  /** After a crash: what was started and not finished stays burned, and reserves nothing. */
  forgetUnfinished(): void {
    for (const [authHash, { auth, item }] of this.#taken) {
      if (item === undefined) this.#taken.set(authHash, { auth, reserved: 0n })
    }
  }

  /** An authorisation is refused for its date once it has expired, and cannot be settled after the window. */
  forgetExpired(now: bigint): void {
    for (const [authHash, { auth }] of this.#taken) {
      if (auth.validUntil + SETTLE_WINDOW_S >= now) continue
      this.#taken.delete(authHash)
      this.#nonces.delete(nonceName(auth))
    }
  }

  entries(): readonly Entry[] {
    return [...this.#taken].map(([authHash, { auth, item, reserved }]) =>
      item === undefined
        ? { type: 'started', authHash, auth }
        : { type: 'finished', item, fee: reserved },
    )
  }
}

function nonceName({ channelId, nonce }: RequestAuth): string {
  return `${channelId}/${nonce}`
}

async function readEntries(path: string): Promise<readonly Entry[]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw error
  })
  const lines = text.split('\n')
  // A crash can leave a last line without its end; nothing depended on it yet.
  lines.pop()
  return lines.map(decode)
}

async function rewrite(path: string, entries: readonly Entry[]): Promise<void> {
  const fresh = `${path}.new`
  const file = await open(fresh, 'w')
  try {
    await file.writeFile(entries.map((entry) => `${encode(entry)}\n`).join(''))
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(fresh, path)
}

async function writeEntry(file: FileHandle, entry: Entry): Promise<void> {
  await file.appendFile(`${encode(entry)}\n`)
  await file.datasync()
}

function encode(entry: Entry): string {
  return JSON.stringify(entry, (_, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  )
}

function decode(line: string): Entry {
  return JSON.parse(line, (_, value: unknown) =>
    typeof value === 'string' && /^[0-9]+n$/.test(value) ? BigInt(value.slice(0, -1)) : value,
  ) as Entry
}
