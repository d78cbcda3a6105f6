import { SETTLE_WINDOW_S, type Hex } from '@jeju/verifier/protocol'
import { ChainError, type Channel } from '../chain/node-chain.ts'
import type { VoucherClaim } from '../payment/voucher-book.ts'
import { insertClaim, insertTransaction, type SettlementLog } from './settlement-log.ts'
import type { TrackerParts } from './track.ts'
import { isUrgent, isWorth, type WorthOptions } from './worth.ts'

/** A claim that can be made. */
export interface ClaimCandidate {
  readonly claim: VoucherClaim
  /** Whether it has to be made now or never. */
  readonly urgent: boolean
  /** Whether it is made as soon as it brings its gas: there will be no better moment. */
  readonly last: boolean
}

/** Claims of channels that are paid by vouchers, each in a transaction of its own. */
export interface VoucherClaims {
  /** Those that can be made, the largest first; `held` are channels that are to be released. */
  candidates(held: ReadonlySet<Hex>): Promise<readonly ClaimCandidate[]>
  /** Sends the first that is worth it; returns its channel. */
  sendFirst(candidates: readonly ClaimCandidate[], last: boolean): Promise<Hex | undefined>
}

/** A claim that is refused is not tried again for this long. */
const RETRY_MS = 600_000
/** Claims looked at in one round, so that many channels cannot make one endless. */
const MAX_TRIES = 8
/** A channel that was released is forgotten after this long: until then its block may be taken back. */
const CLOSED_S = 24n * 3600n

/** For one settlement queue. */
export function createVoucherClaims(
  parts: TrackerParts & WorthOptions & { readonly log: SettlementLog },
): VoucherClaims {
  const { chain, channels, journal, logger, now, log } = parts
  const retryAtMs = new Map<Hex, number>()
  const nowS = (): bigint => BigInt(Math.floor(now().getTime() / 1000))

  const candidateOf = (
    { channelId, signer, usedAt }: { channelId: Hex; signer: Hex; usedAt: bigint },
    channel: Channel,
    isHeld: boolean,
  ): ClaimCandidate | undefined => {
    // What a replaced key signed is paid for a while only, and what is closing until it is closed (attacks N11, P20).
    const isClosing = channel.state === 'closing' && isUrgent(channel.closeAt, nowS())
    const urgent = isClosing || channel.sessionKey !== signer
    // Who left without a last voucher has left what was charged last below the next one.
    const hasLeft = usedAt + SETTLE_WINDOW_S < nowS()
    const last = urgent || isHeld || hasLeft
    const claim = journal.vouchers.claimOf(channelId, channel, last)
    return claim === undefined ? undefined : { claim, urgent, last }
  }
  const send = (claim: VoucherClaim, last: boolean): Promise<boolean> =>
    chain.inTurn(async () => {
      const settled = { voucher: claim }
      const brings = await chain.previewVoucher(claim)
      const [gas, fees, dataFee] = await Promise.all([
        chain.estimateGas(settled),
        chain.gasFees(),
        chain.dataFee(settled),
      ])
      const cost = gas * fees.maxFeePerGas + dataFee
      if (!isWorth({ fees: brings, cost, last }, parts)) return false
      const { next: nonce } = await chain.accountNonces()
      const signed = await chain.sign(settled, { ...fees, nonce, gas })
      const id = log.nextId()
      const nowMs = now().getTime()
      const { channelId } = claim
      journal.vouchers.claiming(channelId)
      await journal.move(
        [],
        [
          insertClaim(id, nonce, gas, { ...claim, brings }, nowMs),
          insertTransaction(id, signed, fees, nowMs),
        ],
      )
      logger.info({ settlement: id, channelId, wei: brings.toString() }, 'voucher sent')
      await chain.broadcast(signed.raw)
      return true
    })
  return {
    candidates: async (held) => {
      const nowMs = now().getTime()
      for (const [channelId, at] of retryAtMs) if (at <= nowMs) retryAtMs.delete(channelId)
      const found: ClaimCandidate[] = []
      for (const due of journal.vouchers.due()) {
        const { channelId, usedAt } = due
        if (retryAtMs.has(channelId)) continue
        const channel = await channels.channel(channelId)
        if (channel.state === 'open' || channel.state === 'closing') {
          const candidate = candidateOf(due, channel, held.has(channelId))
          if (candidate !== undefined) found.push(candidate)
        } else if (channel.state === 'closed' && usedAt + CLOSED_S < nowS()) {
          await journal.move([], journal.vouchers.close(channelId))
        }
      }
      return found.toSorted((a, b) => (a.claim.brings < b.claim.brings ? 1 : -1))
    },
    sendFirst: async (candidates, last) => {
      for (const { claim, last: isLast } of candidates.slice(0, MAX_TRIES)) {
        const { channelId } = claim
        try {
          if (await send(claim, last || isLast)) return channelId
        } catch (error) {
          if (!(error instanceof ChainError) || error.code !== 'CHAIN_REFUSED') throw error
          retryAtMs.set(channelId, now().getTime() + RETRY_MS)
          logger.warn({ channelId, reason: error.message }, 'a voucher cannot be settled now')
        }
      }
      return undefined
    },
  }
}
