import { SETTLE_WINDOW_S, type Hex, type RequestAuth } from '@jeju/verifier/protocol'
import type { SettlementItem } from '../chain/node-chain.ts'
import type { JournalEntry } from './journal-entry.ts'

/** One authorisation this node has taken. */
interface Taken {
  readonly auth: RequestAuth
  /** Wei it may still cost its channel. */
  readonly reserved: bigint
  /** When the reservation ends by itself, milliseconds. */
  readonly releaseAt?: number
  /** Waits for settlement. */
  readonly item?: SettlementItem
  /** Of `item`, wei. */
  readonly fee?: bigint
}

/**
 * How long a paid fee stays reserved. The channel's `spent` may have been read just before that block, or from an RPC
 * that lags behind, and the same wei would be promised twice.
 */
export const RELEASE_DELAY_MS = 30_000

/** What the entries of a journal add up to. */
export class JournalState {
  readonly #taken = new Map<Hex, Taken>()
  readonly #nonces = new Set<string>()
  /** Authorisations of a channel that reserve something. */
  readonly #reserving = new Map<Hex, Set<Hex>>()
  readonly #waiting = new Set<Hex>()

  apply(entry: JournalEntry, nowMs: number): void {
    switch (entry.type) {
      case 'started':
        this.#set(entry.authHash, { auth: entry.auth, reserved: entry.auth.maxFee })
        break
      case 'finished': {
        const { item, fee } = entry
        this.#set(item.receipt.authHash, { auth: item.auth, reserved: fee, item, fee })
        break
      }
      case 'settled': {
        const taken = this.#taken.get(entry.authHash)
        if (taken === undefined) break
        const { auth, fee = 0n } = taken
        const paid = entry.status === 'paid' || entry.status === 'already_used'
        this.#set(
          entry.authHash,
          paid
            ? { auth, reserved: fee, releaseAt: nowMs + RELEASE_DELAY_MS }
            : { auth, reserved: 0n },
        )
        break
      }
    }
  }

  knows(authHash: Hex, auth: RequestAuth): boolean {
    return this.#taken.has(authHash) || this.#nonces.has(nonceName(auth))
  }

  /** Wei of a channel that is promised and may not yet show in its `spent`. */
  reserved(channelId: Hex, nowMs: number): bigint {
    let sum = 0n
    for (const authHash of this.#reserving.get(channelId) ?? []) {
      const taken = this.#taken.get(authHash)
      if (taken === undefined) continue
      if (taken.releaseAt === undefined || taken.releaseAt > nowMs) sum += taken.reserved
      else this.#set(authHash, { auth: taken.auth, reserved: 0n })
    }
    return sum
  }

  unsettled(): readonly SettlementItem[] {
    return [...this.#waiting].flatMap((authHash) => {
      const item = this.#taken.get(authHash)?.item
      return item === undefined ? [] : [item]
    })
  }

  /** After a crash: what was started and not finished stays burned, and reserves nothing. */
  forgetUnfinished(): void {
    for (const [authHash, { auth, item }] of this.#taken) {
      if (item === undefined) this.#set(authHash, { auth, reserved: 0n })
    }
  }

  /** An authorisation is refused for its date once it has expired, and cannot be settled after the window. */
  forgetExpired(nowMs: number): void {
    const nowS = BigInt(Math.floor(nowMs / 1000))
    for (const [authHash, { auth }] of this.#taken) {
      if (auth.validUntil + SETTLE_WINDOW_S >= nowS) continue
      this.#set(authHash, { auth, reserved: 0n })
      this.#taken.delete(authHash)
      this.#nonces.delete(nonceName(auth))
    }
  }

  /** The fewest entries that add up to this state after a restart. */
  entries(): readonly JournalEntry[] {
    return [...this.#taken].map(([authHash, { auth, item, fee = 0n }]) =>
      item === undefined ? { type: 'started', authHash, auth } : { type: 'finished', item, fee },
    )
  }

  #set(authHash: Hex, taken: Taken): void {
    const { auth, reserved, item } = taken
    this.#taken.set(authHash, taken)
    this.#nonces.add(nonceName(auth))
    if (item === undefined) this.#waiting.delete(authHash)
    else this.#waiting.add(authHash)
    const ofChannel = this.#reserving.get(auth.channelId) ?? new Set()
    if (reserved > 0n) ofChannel.add(authHash)
    else ofChannel.delete(authHash)
    if (ofChannel.size > 0) this.#reserving.set(auth.channelId, ofChannel)
    else this.#reserving.delete(auth.channelId)
  }
}

function nonceName({ channelId, nonce }: RequestAuth): string {
  return `${channelId}/${nonce}`
}
