import type { Hex } from '@jeju/verifier/protocol'

/** A voucher this node holds, and can settle. */
export interface HeldVoucher {
  /** Wei. */
  readonly cumulative: bigint
  /** 65 bytes. */
  readonly signature: Hex
}

/** What the disk says of a channel that is paid by vouchers. */
export interface StoredVoucherChannel {
  readonly channelId: Hex
  /** The session key of {@link StoredVoucherChannel.held}. */
  readonly signer: Hex
  /** Wei that this node has charged. */
  readonly fees: bigint
  /** Wei of them that its own settlements have brought, beyond any reorganisation. */
  readonly settled: bigint
  /** When it was last charged or shown a voucher, Unix seconds. */
  readonly usedAt: bigint
  readonly held: readonly HeldVoucher[]
}

/** What the ledger has of a channel, wei. */
export interface ChannelFunds {
  readonly locked: bigint
  readonly spent: bigint
}

/**
 * Vouchers that are kept of what was not charged yet. A request brings one each, and what is charged passes them by; where
 * maxima are that much larger than fees, those are left out that stand closest together.
 */
export const MAX_ABOVE = 64

/** One channel that is paid by vouchers, in memory. */
export class VoucherChannel {
  readonly channelId: Hex
  signer: Hex
  fees: bigint
  settled: bigint
  usedAt: bigint
  /** Whether a voucher is in a transaction whose end is not known. */
  isClaiming: boolean
  /**
   * Wei that the channel has paid to others, who are paid from it too: replicas of this node, or an earlier life of it
   * whose disk is gone.
   */
  #others = 0n
  /** Ascending. */
  #held: readonly HeldVoucher[]

  constructor(stored: StoredVoucherChannel, isClaiming: boolean) {
    this.channelId = stored.channelId
    this.signer = stored.signer
    this.fees = stored.fees
    this.settled = stored.settled
    this.usedAt = stored.usedAt
    this.#held = stored.held.toSorted(byCumulative)
    this.isClaiming = isClaiming
  }

  get held(): readonly HeldVoucher[] {
    return this.#held
  }

  /** Wei that the channel was charged by everybody, as far as this node knows. */
  get charged(): bigint {
    return this.#others + this.fees
  }

  /** Wei that this node has charged and was not paid. */
  get owed(): bigint {
    return this.fees > this.settled ? this.fees - this.settled : 0n
  }

  get highest(): bigint {
    return this.#held.at(-1)?.cumulative ?? 0n
  }

  /** Takes in what the ledger says was paid; while a claim of this node is on its way nobody knows whose that was. */
  see(spent: bigint): void {
    if (this.isClaiming) return
    // An RPC that lags behind has less than this node was paid.
    this.#others = spent > this.settled ? spent - this.settled : 0n
  }

  /** Holds one more. By another key it takes the place of all, which it must cover; returns those. */
  hold(voucher: HeldVoucher, signer: Hex): readonly HeldVoucher[] {
    const replaced = signer === this.signer ? [] : this.#held
    const others = signer === this.signer ? this.#held : []
    this.signer = signer
    if (!others.some(({ cumulative }) => cumulative === voucher.cumulative)) {
      this.#held = [...others, voucher].toSorted(byCumulative)
    }
    return replaced
  }

  /** Lets go of what no claim can need; returns it. The highest stays, and the smallest that covers what was charged. */
  prune(): readonly HeldVoucher[] {
    const { charged } = this
    const first = this.#held.findLastIndex(({ cumulative }) => cumulative <= charged)
    const kept = first < 0 ? [...this.#held] : this.#held.slice(first)
    const from = first < 0 ? 0 : 1
    while (kept.length - from > MAX_ABOVE) kept.splice(closest(kept, from), 1)
    const dropped = this.#held.filter((voucher) => !kept.includes(voucher))
    this.#held = kept
    return dropped
  }

  /**
   * The voucher to settle now; undefined where none brings anything. What is not more than was charged, unless `covering`:
   * then the least that is not less, which is the exact one where that is held.
   */
  best({ locked, spent }: ChannelFunds, covering: boolean): HeldVoucher | undefined {
    if (this.isClaiming || this.owed === 0n) return undefined
    this.see(spent)
    const due = smaller(this.charged, locked)
    const within = this.#held.findLast(({ cumulative }) => cumulative <= due)
    const covers = this.#held.find(({ cumulative }) => cumulative >= due)
    const best = covering ? (covers ?? within) : within
    return best !== undefined && smaller(best.cumulative, locked) > spent ? best : undefined
  }
}

/** Of those after the first of `from` and before the last, the one that its neighbour below can best stand in for. */
function closest(vouchers: readonly HeldVoucher[], from: number): number {
  let found = from + 1
  let least: bigint | undefined
  for (let at = from + 1; at < vouchers.length - 1; at++) {
    const gap = (vouchers[at + 1]?.cumulative ?? 0n) - (vouchers[at - 1]?.cumulative ?? 0n)
    if (least !== undefined && gap >= least) continue
    least = gap
    found = at
  }
  return found
}

function byCumulative(a: HeldVoucher, b: HeldVoucher): number {
  if (a.cumulative === b.cumulative) return 0
  return a.cumulative < b.cumulative ? -1 : 1
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}
