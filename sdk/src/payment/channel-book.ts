import { addressOf, randomBytes32, toHex, type Hex } from '@jeju/verifier/protocol'
import type { ChainReader, PriceRecord } from '../chain/chain-reader.ts'
import type { ChannelMode, Ledger } from '../chain/ledger.ts'
import { SdkError } from '../errors/sdk-error.ts'
import type { OnSdkEvent } from '../events/sdk-event.ts'
import type { ChannelRecord, ChannelRecords } from './channel-records.ts'
import { Nonces } from './nonces.ts'
import { KeptSum, TakenOver } from './voucher-sums.ts'

/** What may be locked in channels. Wei. */
export interface ChannelBudget {
  /** As much of `wanted` as is left, at least `needed`; rejects where that is not left. */
  take(wanted: bigint, needed: bigint): TakenBudget | Promise<TakenBudget>
}

/** What may be locked by one transaction. */
export interface TakenBudget {
  readonly amount: bigint
  /** It was not locked after all. */
  readonly giveBack: () => void
}

/** A service that a channel is for, and who of its nodes answers. */
export interface PaidService {
  readonly agentId: bigint
  readonly serviceId: number
  readonly bindingId: Hex
}

/** A channel in use, with the key that signs for it. */
export interface PaidChannel extends ChannelRecord {
  readonly nonces: Nonces
}

/** Room in a channel for one request. Exactly one of the two ends it; neither means the outcome is unknown. */
export interface Reservation {
  readonly channel: PaidChannel
  readonly maxFee: bigint
  /**
   * Of a channel that is paid by vouchers: wei that it may have been charged when this request has been. It is kept, and
   * may be signed for.
   */
  readonly cumulative?: bigint
  /** The request cost this much. */
  charged(fee: bigint): void
  /** The request was refused and cost nothing. */
  released(): void
}

interface BookedChannel extends PaidChannel {
  locked: bigint
  /** Fees of verified receipts and the maximum of requests without one: what may be settled. */
  committed: bigint
  /** Fees of verified receipts. */
  known: bigint
  /** Where it is paid by vouchers. */
  readonly sum: KeptSum | undefined
  /** It was refused by a node or could not be topped up; what the chain says of it comes first. */
  doubtful: boolean
  /** A node says that it has charged more than was signed for. */
  disputed: boolean
}

/** What a {@link ChannelBook} works with. */
export interface ChannelBookParts {
  readonly ledger: Pick<Ledger, 'openChannel' | 'topUp' | 'channelOf'>
  readonly chain: Pick<ChainReader, 'currentPrice'>
  /** Channels of earlier processes and of those beside this one. */
  readonly records: ChannelRecords
  /** Wei that the kept receipts of a channel come to. */
  readonly feesOf: (channelId: Hex) => Promise<bigint>
  /** Wei locked at once. */
  readonly channelAmount: bigint
  readonly budget: ChannelBudget
  /** Of channels that are opened, and of those that are found; RECEIPT when absent. */
  readonly mode?: ChannelMode
  readonly onEvent: OnSdkEvent
}

/** What the chain and what is kept say of a channel. */
interface ChannelFunds {
  readonly locked: bigint
  readonly spent: bigint
  readonly committed: bigint
  readonly known: bigint
}

/** The channels of one wallet, one for each service: found again, opened and topped up as requests need them. */
export class ChannelBook {
  readonly #channels = new Map<string, BookedChannel>()
  readonly #turns = new Map<string, Promise<unknown>>()
  /** Channels that another book has taken over, or whose sum is disputed. */
  readonly #lost = new Set<Hex>()
  readonly #holder = toHex(randomBytes32())
  readonly #with: ChannelBookParts

  constructor(parts: ChannelBookParts) {
    this.#with = parts
  }

  /** Room for the fee that `maxFeeAt` states for the channel's price. Requests of one service take turns. */
  async reserve(
    candidate: PaidService,
    maxFeeAt: (price: PriceRecord) => bigint,
  ): Promise<Reservation> {
    const name = this.#nameOf(candidate)
    const before = this.#turns.get(name) ?? Promise.resolve()
    const turn = before.catch(() => undefined).then(() => this.#reserve(name, candidate, maxFeeAt))
    this.#turns.set(name, turn)
    const { reservation, kept } = await turn
    try {
      // Beside the turns of others, so that the sums of many are kept at once.
      await kept
    } catch (error) {
      if (!(error instanceof TakenOver)) {
        // Nothing was signed for it: a full disk must not use up the channel, and then have it topped up.
        reservation.released()
        throw error
      }
      this.#lost.add(reservation.channel.channelId)
      if (this.#channels.get(name)?.channelId === reservation.channel.channelId) {
        this.#channels.delete(name)
      }
      return this.reserve(candidate, maxFeeAt)
    }
    return reservation
  }

  /**
   * What a channel was charged, wei: `known` is what its verified receipts come to, which a voucher for exactly that is
   * for, and `most` has the maxima of all other requests too. Undefined where the channel is not in use.
   */
  chargedOf(channelId: Hex): { readonly known: bigint; readonly most: bigint } | undefined {
    for (const channel of this.#channels.values()) {
      if (channel.channelId !== channelId) continue
      return { known: channel.known, most: channel.committed }
    }
    return undefined
  }

  /** The node refused the channel: read it from the chain before it is used again. */
  doubt(channel: PaidChannel): void {
    for (const booked of this.#channels.values()) {
      if (booked.channelId === channel.channelId) booked.doubtful = true
    }
  }

  /**
   * A node refuses a voucher for less than it counts. Where nothing was settled of the channel yet, refusals that were told
   * can be none, and the reservation of this one stays. Otherwise the node may count what somebody else has settled, who
   * saw a voucher on its way, and another channel is used from now on: nobody signs for that twice.
   */
  dispute(channel: PaidChannel): void {
    for (const booked of this.#channels.values()) {
      if (booked.channelId === channel.channelId) booked.disputed = true
    }
    this.doubt(channel)
  }

  /**
   * One channel for all nodes of a service; of vouchers one for each, since a voucher is for everything, and replicas know
   * of each other's part nothing but what was paid (attack N10).
   */
  #nameOf({ agentId, serviceId, bindingId }: PaidService): string {
    const service = `${agentId}/${serviceId}`
    return this.#with.mode === 'VOUCHER' ? `${service}/${bindingId}` : service
  }

  async #reserve(
    name: string,
    candidate: PaidService,
    maxFeeAt: (price: PriceRecord) => bigint,
  ): Promise<{ readonly reservation: Reservation; readonly kept: Promise<void> | undefined }> {
    const known = (await this.#usable(name)) ?? (await this.#found(name, candidate))
    const channel = known ?? (await this.#open(name, candidate, maxFeeAt))
    const maxFee = maxFeeAt(channel.price)
    if (channel.locked - channel.committed < maxFee) await this.#topUp(channel, maxFee)
    channel.committed += maxFee
    const { sum, committed } = channel
    const reservation = {
      channel,
      maxFee,
      // What others under way were signed for stays what it was: each next one is for all of them together.
      ...(sum === undefined ? {} : { cumulative: committed }),
      charged: (fee: bigint) => {
        channel.committed -= maxFee - fee
        channel.known += fee
        channel.disputed = false
        // Not waited for: what is kept may be more, and whoever has lost the channel hears of it before he signs.
        sum?.keep().catch(() => undefined)
      },
      released: () => {
        channel.committed -= maxFee
      },
    }
    return { reservation, kept: sum?.keep() }
  }

  async #usable(name: string): Promise<BookedChannel | undefined> {
    const channel = this.#channels.get(name)
    if (channel === undefined || !channel.doubtful) return channel
    const state = await this.#stateOf(channel)
    if (state === undefined || (channel.disputed && state.spent > 0n)) {
      if (channel.disputed) this.#lost.add(channel.channelId)
      this.#channels.delete(name)
      return undefined
    }
    channel.locked = state.locked
    // A refusal is nobody's signed word: what was released for it may have been charged all the same.
    channel.committed = larger(channel.committed, state.committed)
    channel.doubtful = false
    return channel
  }

  /** A channel of this service that another process opened; the one with most left. */
  async #found(
    name: string,
    { agentId, serviceId, bindingId }: PaidService,
  ): Promise<BookedChannel | undefined> {
    const { mode = 'RECEIPT', records: all } = this.#with
    const records = (await all.all()).filter(
      (record) =>
        record.agentId === agentId &&
        record.serviceId === serviceId &&
        record.mode === mode &&
        (mode === 'RECEIPT' || record.bindingId === bindingId) &&
        !this.#lost.has(record.channelId),
    )
    let best: BookedChannel | undefined
    for (const record of records) {
      const chain = await this.#stateOf(record)
      if (chain === undefined) continue
      // Whoever used it before may have been charged all that he has signed for.
      const sum = mode === 'VOUCHER' ? await all.sums.find(record.channelId) : undefined
      const state = {
        ...chain,
        committed: larger(chain.committed, sum?.committed ?? 0n),
        known: larger(chain.known, sum?.known ?? 0n),
      }
      const left = state.locked - state.committed
      if (best !== undefined && left <= best.locked - best.committed) continue
      best = this.#booked(record, state, 'found')
    }
    if (best !== undefined) this.#channels.set(name, best)
    return best
  }

  #booked(record: ChannelRecord, funds: ChannelFunds, how: 'found' | 'opened'): BookedChannel {
    const { sums } = this.#with.records
    const { channelId, mode } = record
    const channel: BookedChannel = {
      ...record,
      ...funds,
      nonces: new Nonces(how),
      doubtful: false,
      disputed: false,
      sum:
        mode === 'VOUCHER'
          ? new KeptSum(sums, { channelId, holder: this.#holder }, () => channel)
          : undefined,
    }
    return channel
  }

  /**
   * What the chain and the kept receipts say of a channel; undefined where it is not open to its key any more. What
   * other processes have under way is in neither, and a node refuses what goes beyond.
   */
  async #stateOf(record: ChannelRecord): Promise<ChannelFunds | undefined> {
    const { ledger, records, feesOf } = this.#with
    const { state, locked, spent, sessionKey } = await ledger.channelOf(record.channelId)
    if (state === 'CLOSED') await records.forget(record.channelId)
    if (state !== 'OPEN' || sessionKey !== addressOf(record.sessionKey)) return undefined
    const known = await feesOf(record.channelId)
    return { locked, spent, committed: larger(spent, known), known }
  }

  async #open(
    name: string,
    { agentId, serviceId, bindingId }: PaidService,
    maxFeeAt: (price: PriceRecord) => bigint,
  ): Promise<BookedChannel> {
    const { chain, budget, channelAmount, mode = 'RECEIPT' } = this.#with
    // Read now: the price may have changed since the provider was found.
    const price = await chain.currentPrice(agentId, serviceId)
    const needed = maxFeeAt(price)
    const taken = await budget.take(larger(channelAmount, needed), needed)
    const { amount } = taken
    const only = mode === 'VOUCHER' ? { bindingId } : {}
    const terms = { agentId, serviceId, price, amount, mode, ...only }
    const record = await openChannel(this.#with, terms, taken.giveBack)
    const funds = { locked: amount, spent: 0n, committed: 0n, known: 0n }
    const channel = this.#booked(record, funds, 'opened')
    this.#channels.set(name, channel)
    return channel
  }

  async #topUp(channel: BookedChannel, maxFee: bigint): Promise<void> {
    const { ledger, budget, channelAmount, onEvent } = this.#with
    const { channelId } = channel
    const missing = maxFee - (channel.locked - channel.committed)
    const { amount, giveBack } = await budget.take(larger(channelAmount, missing), missing)
    let isSent = false
    const sending = ledger.topUp(channelId, amount, () => {
      isSent = true
    })
    const transaction = await sending.catch((error: unknown) => {
      channel.doubtful = true
      if (!isSent || isReverted(error)) giveBack()
      throw error
    })
    channel.locked += amount
    onEvent({ type: 'channel-topped-up', channelId, amount, transaction })
  }
}

/**
 * Opens a channel with a session key of its own. The key is kept before anything is sent: a transaction that nobody
 * saw confirmed may have locked money all the same. `onUnlocked` is told where it certainly has not.
 */
export async function openChannel(
  { ledger, records, onEvent }: Pick<ChannelBookParts, 'ledger' | 'records' | 'onEvent'>,
  terms: {
    readonly agentId: bigint
    readonly serviceId: number
    readonly price: PriceRecord
    readonly amount: bigint
    /** RECEIPT when absent. */
    readonly mode?: ChannelMode
    /** Of vouchers: the one node that is paid from it. */
    readonly bindingId?: Hex
  },
  onUnlocked: () => void = () => undefined,
): Promise<ChannelRecord> {
  const { agentId, serviceId, price, amount, mode = 'RECEIPT', bindingId } = terms
  const sessionKey = randomBytes32()
  const opening = {
    agentId,
    serviceId,
    priceVersion: price.version,
    amount,
    sessionKey: addressOf(sessionKey),
    mode,
  }
  const recordOf = (channelId: Hex): ChannelRecord => ({
    channelId,
    agentId,
    serviceId,
    price,
    sessionKey,
    mode,
    ...(bindingId === undefined ? {} : { bindingId }),
  })
  let kept: ChannelRecord | undefined
  const keep = async (channelId: Hex): Promise<void> => {
    const record = recordOf(channelId)
    await records.save(record)
    kept = record
  }
  const sending = ledger.openChannel(opening, keep)
  const { channelId, hash } = await sending.catch(async (error: unknown) => {
    if (kept === undefined || isReverted(error)) onUnlocked()
    if (kept !== undefined && isReverted(error)) await records.forget(kept.channelId)
    throw error
  })
  onEvent({ type: 'channel-opened', channelId, transaction: hash, ...opening })
  return recordOf(channelId)
}

/** Whether a contract refused, before anything was sent or in a block. */
function isReverted(error: unknown): boolean {
  return error instanceof SdkError && error.code === 'CHAIN_REVERT'
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
