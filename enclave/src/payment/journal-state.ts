import { SETTLE_WINDOW_S, type Hex, type RequestAuth } from '@jeju/verifier/protocol'
import type { SettlementItem } from '../chain/node-chain.ts'

/** Where an authorisation stands. Only the first reserves its maximum, and only what is closed unpaid owes nothing. */
export type TakenState =
  | 'started' // being answered
  | 'waiting' // answered; its receipt waits for settlement
  | 'sent' // in a transaction that is in no block yet
  | 'included' // paid in a block that a reorganisation may still take back
  | 'closed' // nothing more to be done

/** One authorisation this node has taken. */
interface Taken {
  readonly auth: RequestAuth
  readonly state: TakenState
  /** Wei it may still cost its channel. */
  readonly reserved: bigint
  /** When the reservation ends by itself, milliseconds. */
  readonly releaseAt?: number
  readonly owed?: Owed
  /** A voucher pays it; its receipt settles nothing. */
  readonly byVoucher?: true
}

/** A receipt and what the channel owes for it. */
export interface Owed {
  readonly item: SettlementItem
  /** Wei. */
  readonly fee: bigint
}

/** One authorisation as it stands on disk. */
export interface StoredAuthorisation {
  readonly authHash: Hex
  readonly auth: RequestAuth
  readonly state: TakenState
  readonly owed: Owed | undefined
}

/**
 * How long a paid fee stays reserved. The channel's `spent` may have been read just before that block, or from an RPC
 * that lags behind, and the same wei would be promised twice.
 */
export const RELEASE_DELAY_MS = 30_000

/** How long after the window an item is kept that a block has taken in, should the block be taken back. */
const REORG_GRACE_S = 24n * 3600n

/** What the database says of the authorisations that still matter, in memory. */
export class JournalState {
  readonly #taken = new Map<Hex, Taken>()
  readonly #nonces = new Set<string>()
  /** Channels of which something is reserved or owed. */
  readonly #channels = new Map<Hex, ChannelSums>()
  readonly #waiting = new Set<Hex>()

  start(authHash: Hex, auth: RequestAuth, byVoucher: boolean): void {
    const started = { auth, state: 'started', reserved: auth.maxFee } as const
    this.#set(authHash, byVoucher ? { ...started, byVoucher } : started)
  }

  isByVoucher(authHash: Hex): boolean {
    return this.#taken.get(authHash)?.byVoucher === true
  }

  finish(owed: Owed): void {
    const { auth, receipt } = owed.item
    this.#set(receipt.authHash, { auth, state: 'waiting', reserved: owed.fee, owed })
  }

  /** What a settlement does to an item; an unknown one was forgotten. */
  move(authHash: Hex, state: TakenState, nowMs: number): void {
    const taken = this.#taken.get(authHash)
    if (taken === undefined) return
    const { auth, owed } = taken
    const fee = owed?.fee ?? 0n
    const open = { auth, ...(owed === undefined ? {} : { owed }) }
    switch (state) {
      case 'started':
      case 'waiting':
      case 'sent':
        this.#set(authHash, { ...open, state, reserved: fee })
        break
      case 'included': {
        const releaseAt = nowMs + RELEASE_DELAY_MS
        this.#set(authHash, { ...open, state, reserved: fee, releaseAt })
        break
      }
      case 'closed':
        // What is closed needs no receipt any more; a reservation that runs out by itself goes on.
        this.#set(authHash, {
          auth,
          state,
          ...(taken.state === 'included' && taken.releaseAt !== undefined
            ? { reserved: taken.reserved, releaseAt: taken.releaseAt }
            : { reserved: 0n }),
        })
        break
    }
  }

  /** As it stood on disk. What was being answered is burned, and reserves nothing: nobody answers it any more. */
  restore({ authHash, auth, state, owed }: StoredAuthorisation): void {
    if (state === 'started' || state === 'closed') {
      this.#set(authHash, { auth, state: 'closed', reserved: 0n })
    } else if (owed !== undefined) {
      this.#set(authHash, { auth, state, reserved: owed.fee, owed })
    }
  }

  knows(authHash: Hex, auth: RequestAuth): boolean {
    return this.#taken.has(authHash) || this.#nonces.has(nonceName(auth))
  }

  /** Wei of a channel that is promised and may not yet show in its `spent`. */
  reserved(channelId: Hex, nowMs: number): bigint {
    const { releasing } = this.#channels.get(channelId) ?? {}
    for (const authHash of releasing ?? []) {
      const taken = this.#taken.get(authHash)
      // Not always in the order in which they were paid: a block is taken back, a clock is set back.
      if (taken === undefined || (taken.releaseAt ?? 0) > nowMs) continue
      this.#set(authHash, { ...taken, reserved: 0n })
    }
    return this.#channels.get(channelId)?.reserved ?? 0n
  }

  /**
   * Wei that a channel may still have to pay, or to pay again: the maximum of what is being answered, and each fee until
   * its payment is beyond any reorganisation.
   */
  owed(channelId: Hex): bigint {
    return this.#channels.get(channelId)?.owed ?? 0n
  }

  /** Authorisations of a channel that are being answered, and receipts of it that wait for settlement. */
  countsOf(channelId: Hex): { readonly answering: number; readonly waiting: number } {
    return this.#channels.get(channelId) ?? { answering: 0, waiting: 0 }
  }

  waiting(): readonly Owed[] {
    return [...this.#waiting].flatMap((authHash) => {
      const owed = this.#taken.get(authHash)?.owed
      return owed === undefined ? [] : [owed]
    })
  }

  get waitingCount(): number {
    return this.#waiting.size
  }

  /** An authorisation is refused for its date once it has expired, and cannot be settled after the window. */
  forgetExpired(nowS: bigint): void {
    for (const [authHash, { auth, state }] of this.#taken) {
      const unsure = state === 'sent' || state === 'included'
      if (auth.validUntil + SETTLE_WINDOW_S + (unsure ? REORG_GRACE_S : 0n) >= nowS) continue
      this.#set(authHash, { auth, state: 'closed', reserved: 0n })
      this.#taken.delete(authHash)
      this.#nonces.delete(nonceName(auth))
    }
  }

  #set(authHash: Hex, taken: Taken): void {
    const { auth, reserved, releaseAt, state } = taken
    const before = this.#taken.get(authHash)
    this.#taken.set(authHash, taken)
    this.#nonces.add(nonceName(auth))
    if (state === 'waiting') this.#waiting.add(authHash)
    else this.#waiting.delete(authHash)
    const sums = this.#channels.get(auth.channelId) ?? {
      reserved: 0n,
      owed: 0n,
      answering: 0,
      waiting: 0,
      releasing: new Set<Hex>(),
    }
    // Sums, since a channel that is used all the time has thousands of these, and each request asks.
    sums.reserved += reserved - (before?.reserved ?? 0n)
    sums.owed += owedOf(taken) - (before === undefined ? 0n : owedOf(before))
    sums.answering += Number(state === 'started') - Number(before?.state === 'started')
    sums.waiting += Number(state === 'waiting') - Number(before?.state === 'waiting')
    if (reserved > 0n && releaseAt !== undefined) sums.releasing.add(authHash)
    else sums.releasing.delete(authHash)
    if (sums.reserved > 0n || sums.owed > 0n || sums.answering + sums.waiting > 0)
      this.#channels.set(auth.channelId, sums)
    else this.#channels.delete(auth.channelId)
  }
}

/** Of one channel, in wei. */
interface ChannelSums {
  reserved: bigint
  owed: bigint
  answering: number
  waiting: number
  /** Authorisations whose reservation ends by itself. */
  readonly releasing: Set<Hex>
}

function owedOf({ auth, state, owed }: Taken): bigint {
  if (state === 'closed') return 0n
  return owed?.fee ?? auth.maxFee
}

/** Rows that {@link JournalState.forgetExpired} forgets, by state, with Unix seconds: now, and now less the grace. */
export const FORGET_EXPIRED: string = `
  DELETE FROM authorisations
  WHERE valid_until + ${SETTLE_WINDOW_S} < ?
    AND (state NOT IN ('sent', 'included') OR valid_until + ${SETTLE_WINDOW_S + REORG_GRACE_S} < ?)`

function nonceName({ channelId, nonce }: RequestAuth): string {
  return `${channelId}/${nonce}`
}
