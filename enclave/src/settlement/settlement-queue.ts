import { setTimeout as delay } from 'node:timers/promises'
import { MAX_SETTLE_BATCH, type Hex } from '@jeju/verifier/protocol'
import type { Channel, SettlementStatus } from '../chain/node-chain.ts'
import type { Owed } from '../payment/journal-state.ts'
import type { ReleaseHolds } from '../payment/release-holds.ts'
import type { Store } from '../storage/store.ts'
import { createHurry } from './hurry.ts'
import { insertSettlement, insertTransaction, openSettlementLog } from './settlement-log.ts'
import { track, type TrackerParts } from './track.ts'
import { createVoucherClaims, type ClaimCandidate } from './voucher-claims.ts'
import { deadlineOf, isUrgent, isWorth, type WorthOptions } from './worth.ts'

/** Brings finished receipts, and vouchers, to the chain, and sees that they stay there. */
export interface SettlementQueue {
  /**
   * Follows what was sent and sends what is worth it; with `last`, everything that brings more than its gas. Failures
   * leave it waiting.
   */
  settleNow(last?: boolean): Promise<void>
  /**
   * Settles at an interval until the signal, and forgets what has expired. Follows what was sent, and settles channels
   * that are held for their release, more often.
   */
  run(signal: AbortSignal): Promise<void>
}

/** Collaborators of {@link openSettlementQueue}. */
export interface SettlementQueueParts extends TrackerParts, WorthOptions {
  readonly store: Store
  readonly holds: Pick<ReleaseHolds, 'channels'>
  readonly intervalMs: number
}

/** How often a transaction that is in no block is looked at, and held channels, in milliseconds. */
const WATCH_MS = 2_000
/** An item that cannot be paid now is not tried again for this long; a channel can be topped up. */
const RETRY_MS = 600_000
/** Items looked at in one round, so that a long queue cannot make one endless. */
const MAX_BATCHES = 8

/**
 * Answers that no later block can change, once their block cannot change. Everything else waits, until it is paid or
 * expires: a lagging RPC may not know yet a channel, a binding or the time.
 */
const FINAL: ReadonlySet<SettlementStatus> = new Set([
  'already_used',
  'expired',
  'channel_closed',
  'over_cap',
  'nothing_due',
] as const)

/** A receipt that waits. */
interface Candidate extends Owed {
  /** Whether it has to be settled now or never. */
  readonly urgent: boolean
}

/** All together, and where that is not worth it those that bring most by themselves: dust of others may be held too. */
function heldBatches(held: readonly Candidate[]): readonly (readonly Candidate[])[] {
  const channelOf = ({ item }: Candidate): Hex => item.auth.channelId
  const byChannel = [...new Set(held.map(channelOf))].map((channelId) =>
    held.filter((each) => channelOf(each) === channelId),
  )
  const sum = (items: readonly Candidate[]): bigint => items.reduce((wei, { fee }) => wei + fee, 0n)
  const richest = byChannel.toSorted((a, b) => (sum(a) < sum(b) ? 1 : -1)).slice(0, MAX_BATCHES)
  return byChannel.length < 2 ? byChannel : [held, ...richest]
}

/** A queue in the node's database that sends from the node's signer. */
export async function openSettlementQueue(parts: SettlementQueueParts): Promise<SettlementQueue> {
  const { chain, journal, store, channels, logger, metrics, now, confirmations, intervalMs } = parts
  const log = await openSettlementLog(store)
  const hurry = createHurry(parts)
  const claims = createVoucherClaims({ ...parts, log })
  const retryAtMs = new Map<Hex, number>()
  const nowS = (): bigint => BigInt(Math.floor(now().getTime() / 1000))

  /** What waits and may be tried, that of large fees first. */
  const candidates = async (): Promise<readonly Candidate[]> => {
    const nowMs = now().getTime()
    for (const [authHash, at] of retryAtMs) if (at <= nowMs) retryAtMs.delete(authHash)
    const waiting = journal.waiting().filter(({ item }) => !retryAtMs.has(item.receipt.authHash))
    const ids = [...new Set(waiting.map(({ item }) => item.auth.channelId))]
    const known = new Map<Hex, Channel>()
    for (const id of ids) known.set(id, await channels.channel(id))
    return waiting
      .map((owed) => {
        const deadline = deadlineOf(owed, known.get(owed.item.auth.channelId))
        return { ...owed, urgent: isUrgent(deadline, nowS()) }
      })
      .toSorted((a, b) => (a.fee < b.fee ? 1 : -1))
  }
  /** Gives up what no later block can pay, and returns what the next one would. */
  const payableOf = async <Item extends Owed>(
    batch: readonly Item[],
    head: bigint,
  ): Promise<readonly Item[]> => {
    const items = batch.map(({ item }) => item)
    const statuses = await chain.preview(items)
    const payable = batch.filter((_, index) => statuses[index] === 'paid')
    if (payable.length === batch.length) return payable
    const sureBlock = head - BigInt(confirmations) + 1n
    const sure =
      sureBlock > 0n && statuses.some((status) => FINAL.has(status))
        ? await chain.agreedPreview(items, sureBlock).catch(() => [])
        : []
    for (const [index, { item }] of batch.entries()) {
      const status = statuses[index]
      if (status === undefined || status === 'paid') continue
      const { authHash } = item.receipt
      if (FINAL.has(status) && sure[index] === status) {
        await journal.move([{ authHash, to: 'closed', status }])
        const line = { authHash, status }
        if (status === 'nothing_due') logger.info(line, 'nothing to settle')
        else logger.warn(line, 'not paid by a settlement of this node')
      } else if (!FINAL.has(status)) {
        retryAtMs.set(authHash, now().getTime() + RETRY_MS)
        logger.warn({ authHash, status }, 'cannot be settled now')
      }
    }
    return payable
  }
  /** Signs, writes down, and only then sends. */
  const send = (batch: readonly Owed[], last: boolean): Promise<boolean> =>
    chain.inTurn(async () => {
      // Items of one channel side by side are charged together.
      const owed = batch.toSorted((a, b) =>
        a.item.auth.channelId < b.item.auth.channelId ? -1 : 1,
      )
      const items = owed.map(({ item }) => item)
      const [gas, fees, dataFee] = await Promise.all([
        chain.estimateGas({ items }),
        chain.gasFees(),
        chain.dataFee({ items }),
      ])
      const due = owed.reduce((sum, { fee }) => sum + fee, 0n)
      const cost = gas * fees.maxFeePerGas + dataFee
      if (!isWorth({ fees: due, cost, last }, parts)) return false
      const { next: nonce } = await chain.accountNonces()
      const signed = await chain.sign({ items }, { ...fees, nonce, gas })
      const id = log.nextId()
      const nowMs = now().getTime()
      await journal.move(
        owed.map(({ item }) => ({ authHash: item.receipt.authHash, to: 'sent' })),
        [
          ...insertSettlement(id, nonce, gas, owed, nowMs),
          insertTransaction(id, signed, fees, nowMs),
        ],
      )
      logger.info({ settlement: id, receipts: owed.length, wei: due.toString() }, 'settlement sent')
      await chain.broadcast(signed.raw)
      return true
    })
  /** Sends the first batch of which something can be paid, where it is worth it; returns what was sent. */
  const sendFirst = async (
    items: readonly Candidate[],
    last: boolean,
    head: bigint,
  ): Promise<readonly Candidate[]> => {
    const end = Math.min(items.length, MAX_BATCHES * MAX_SETTLE_BATCH)
    for (let at = 0; at < end; at += MAX_SETTLE_BATCH) {
      const payable = await payableOf(items.slice(at, at + MAX_SETTLE_BATCH), head)
      if (payable.length === 0) continue
      const isSent = await send(payable, last || payable.some(({ urgent }) => urgent))
      return isSent ? payable : []
    }
    return []
  }
  /** One transaction at a time: the next is signed when this one is in a block. */
  const submit = async (last: boolean, head: bigint): Promise<void> => {
    const all = await candidates()
    // What is urgent, or asked for, and brings too little must not keep back what brings enough.
    const urgent = all.filter((each) => each.urgent)
    if (urgent.length > 0) {
      const first = [...urgent, ...all.filter((each) => !each.urgent)]
      if ((await sendFirst(first, last, head)).length > 0) return
    }
    const asked: ReadonlySet<Hex> = last ? new Set() : hurry.take()
    const vouchers = await claims.candidates(asked)
    const urgentClaims = vouchers.filter((each) => each.urgent)
    if ((await claims.sendFirst(urgentClaims, last)) !== undefined) return
    const held = all.filter(({ item }) => asked.has(item.auth.channelId))
    for (const batch of heldBatches(held)) {
      const sent = await sendFirst(batch, true, head)
      if (sent.length === 0) continue
      return hurry.sent(sent.map(({ item }) => item.auth.channelId))
    }
    const calm = vouchers.filter((each) => !each.urgent)
    const isHeld = ({ claim }: ClaimCandidate): boolean => asked.has(claim.channelId)
    const released = await claims.sendFirst(calm.filter(isHeld), last)
    if (released !== undefined) return hurry.sent([released])
    if ((await sendFirst(all, last, head)).length > 0) return
    await claims.sendFirst(
      calm.filter((each) => !isHeld(each)),
      last,
    )
  }
  const isIdle = (): boolean => journal.waitingCount === 0 && journal.vouchers.due().length === 0
  /** One round; returns whether something is on its way. */
  const round = async (last: boolean): Promise<boolean> => {
    const open = await log.open()
    if (open.length === 0 && isIdle()) return false
    const head = await chain.agreedHead()
    for (const settlement of open) await track(parts, settlement, head)
    if (!isIdle() && !(await log.open()).some(({ state }) => state === 'sent')) {
      await submit(last, head)
    }
    for (const settlement of await log.open()) {
      if (settlement.state === 'sent') await track(parts, settlement, await chain.agreedHead())
    }
    const [balance, claimable] = await Promise.all([chain.balance(), chain.claimable()])
    metrics.funds(balance, claimable)
    return (await log.open()).length > 0
  }
  let underWay = false
  let failed = false
  let turn: Promise<void> = Promise.resolve()
  const settleNow = (last = false): Promise<void> => {
    turn = turn.then(async () => {
      try {
        underWay = await round(last)
        failed = false
      } catch (error) {
        failed = true
        metrics.failed()
        logger.warn({ reason: error instanceof Error ? error.message : '' }, 'settlement failed')
      }
    })
    return turn
  }
  return {
    settleNow,
    run: async (signal) => {
      const stepMs = Math.min(WATCH_MS, intervalMs)
      let waitedMs = 0
      for (;;) {
        await delay(stepMs, undefined, { signal }).catch(() => undefined)
        if (signal.aborted) return
        waitedMs += stepMs
        const isInterval = waitedMs >= intervalMs
        if (isInterval) {
          waitedMs = 0
          // A disk that fails says so to whoever needs it.
          await journal.forget().catch(() => undefined)
        }
        if (isInterval || underWay || (hurry.isDue && !failed)) await settleNow()
      }
    },
  }
}
