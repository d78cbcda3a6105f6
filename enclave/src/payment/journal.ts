import type { Hex, RequestAuth } from '@jeju/verifier/protocol'
import type { SettlementItem } from '../chain/node-chain.ts'
import type { Change, Store } from '../storage/store.ts'
import {
  insertReceipt,
  insertStarted,
  readAuthorisation,
  SELECT_AUTHORISATIONS,
  updateState,
} from './journal-rows.ts'
import { FORGET_EXPIRED, JournalState, type Owed, type TakenState } from './journal-state.ts'
import { openVoucherBook, type VoucherBook } from './voucher-book.ts'

/**
 * The node's memory of authorisations, on disk before anything depends on it: no authorisation is served twice, not
 * after a crash either (attack N9), and no earned receipt is lost (attack N11).
 */
export interface Journal {
  /** Whether an authorisation, or its nonce in that channel, was taken before. */
  knows(authHash: Hex, auth: RequestAuth): boolean
  /**
   * Records an authorisation before inference. False when it is known.
   * @param voucher what {@link VoucherBook.take} changed, where a voucher pays it
   */
  start(authHash: Hex, auth: RequestAuth, voucher?: readonly Change[]): Promise<boolean>
  /**
   * Records the receipt, together with `also`; from now on the channel owes `fee`. Where a voucher pays it, the receipt
   * settles nothing and is not kept here.
   */
  finish(item: SettlementItem, fee: bigint, also?: readonly Change[]): Promise<void>
  /** Records that nothing was answered, and why: the authorisation stays used and owes nothing. */
  abandon(authHash: Hex, status: string): Promise<void>
  /** What a settlement did to items, together with `also`. */
  move(moves: readonly Move[], also?: readonly Change[]): Promise<void>
  /** Wei of a channel that is promised and may not yet show in its `spent`. */
  reserved(channelId: Hex): bigint
  /**
   * Wei a channel may still have to pay: the maximum of what is being answered, and each fee until its payment cannot be
   * taken back. Zero before a channel may be released (docs/protocol.md §5.1).
   */
  owed(channelId: Hex): bigint
  /** Authorisations of a channel that are being answered, and receipts, or a voucher, of it that wait for settlement. */
  countsOf(channelId: Hex): { readonly answering: number; readonly waiting: number }
  /** Forgets what has expired, on disk too. Until then a channel owes what was never concluded. */
  forget(): Promise<void>
  /** Receipts that wait for settlement, oldest first. */
  waiting(): readonly Owed[]
  readonly waitingCount: number
  /** What channels that are paid by vouchers owe, and have signed. */
  readonly vouchers: VoucherBook
}

/** One item of a settlement. */
export interface Move {
  readonly authHash: Hex
  readonly to: Exclude<TakenState, 'started'>
  /** Why it is closed. */
  readonly status?: string
}

/** What expired is forgotten after this many authorisations too, so that neither memory nor file grow (attack S6). */
const FORGET_EVERY = 1024

/**
 * Reads the journal out of the node's database, dropping what can never matter again.
 * @throws StoreError `STORE_CORRUPT`
 */
export async function openJournal(store: Store, now: () => Date): Promise<Journal> {
  const state = new JournalState()
  const vouchers = await openVoucherBook(store, now)
  const forget = async (): Promise<void> => {
    const nowS = Math.floor(now().getTime() / 1000)
    state.forgetExpired(BigInt(nowS))
    const idle = vouchers.forget(BigInt(nowS))
    await store.write([{ sql: FORGET_EXPIRED, values: [nowS, nowS] }, ...idle])
  }
  await forget()
  for (const row of await store.all(SELECT_AUTHORISATIONS)) {
    state.restore(readAuthorisation(row))
  }
  let taken = 0
  /** What is not on disk is never paid, and so not owed. */
  const orClosed = async <Result>(authHash: Hex, written: Promise<Result>): Promise<Result> => {
    try {
      return await written
    } catch (error) {
      state.move(authHash, 'closed', now().getTime())
      throw error
    }
  }
  return {
    knows: (authHash, auth) => state.knows(authHash, auth),
    start: async (authHash, auth, voucher) => {
      if (state.knows(authHash, auth)) return false
      store.assertWorking()
      // The state first and without a pause, so that two requests can never both pass.
      state.start(authHash, auth, voucher !== undefined)
      // Whether that fails is no matter of this authorisation; the store says so to whoever writes next.
      if (++taken % FORGET_EVERY === 0) forget().catch(() => undefined)
      // The file has the last word: another process on the same one cannot take it again. It is then that one's, and owed.
      const changes = [insertStarted(authHash, auth), ...(voucher ?? [])]
      const [changed] = await orClosed(authHash, store.write(changes))
      return changed === 1
    },
    finish: async (item, fee, also = []) => {
      store.assertWorking()
      const { authHash } = item.receipt
      const owed = { item, fee }
      if (state.isByVoucher(authHash)) {
        state.move(authHash, 'closed', now().getTime())
        const charged = vouchers.charge(item.auth.channelId, fee)
        await store.write([updateState(authHash, 'closed', 'voucher'), ...charged, ...also])
        return
      }
      state.finish(owed)
      await orClosed(authHash, store.write([...insertReceipt(owed), ...also]))
    },
    abandon: async (authHash, status) => {
      // Whatever the disk does: nobody answers it any more, and a restart finds it burned.
      state.move(authHash, 'closed', now().getTime())
      store.assertWorking()
      await store.write([updateState(authHash, 'closed', status)])
    },
    move: async (moves, also = []) => {
      store.assertWorking()
      for (const { authHash, to } of moves) state.move(authHash, to, now().getTime())
      await store.write([
        ...moves.map(({ authHash, to, status }) => updateState(authHash, to, status)),
        ...also,
      ])
    },
    reserved: (channelId) => state.reserved(channelId, now().getTime()),
    owed: (channelId) => state.owed(channelId) + vouchers.owed(channelId),
    countsOf: (channelId) => {
      const { answering, waiting } = state.countsOf(channelId)
      return { answering, waiting: waiting + Number(vouchers.isDue(channelId)) }
    },
    forget,
    waiting: () => state.waiting(),
    get waitingCount() {
      return state.waitingCount
    },
    vouchers,
  }
}
