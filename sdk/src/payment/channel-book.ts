import { addressOf, randomBytes32, type Hex } from '@jeju/verifier/protocol'
import type { ChainReader, PriceRecord } from '../chain/chain-reader.ts'
import type { Ledger } from '../chain/ledger.ts'
import { SdkError } from '../errors/sdk-error.ts'
import type { OnSdkEvent } from '../events/sdk-event.ts'
import type { ChannelRecord, ChannelRecords } from './channel-records.ts'
import { Nonces } from './nonces.ts'

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

/** A service that a channel is for. */
export interface PaidService {
  readonly agentId: bigint
  readonly serviceId: number
}

/** A channel in use, with the key that signs for it. */
export interface PaidChannel extends ChannelRecord {
  readonly nonces: Nonces
}

/** Room in a channel for one request. Exactly one of the two ends it; neither means the outcome is unknown. */
export interface Reservation {
  readonly channel: PaidChannel
  readonly maxFee: bigint
  /** The request cost this much. */
  charged(fee: bigint): void
  /** The request was refused and cost nothing. */
  released(): void
}

interface BookedChannel extends PaidChannel {
  locked: bigint
  /** Fees of verified receipts and the maximum of requests without one: what may be settled. */
  committed: bigint
  /** It was refused by a node or could not be topped up; what the chain says of it comes first. */
  doubtful: boolean
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
  readonly onEvent: OnSdkEvent
}

/** The channels of one wallet, one for each service: found again, opened and topped up as requests need them. */
export class ChannelBook {
  readonly #channels = new Map<string, BookedChannel>()
  readonly #turns = new Map<string, Promise<unknown>>()
  readonly #with: ChannelBookParts

  constructor(parts: ChannelBookParts) {
    this.#with = parts
  }

  /** Room for the fee that `maxFeeAt` states for the channel's price. Requests of one service take turns. */
  reserve(candidate: PaidService, maxFeeAt: (price: PriceRecord) => bigint): Promise<Reservation> {
    const name = `${candidate.agentId}/${candidate.serviceId}`
    const before = this.#turns.get(name) ?? Promise.resolve()
    const turn = before.catch(() => undefined).then(() => this.#reserve(name, candidate, maxFeeAt))
    this.#turns.set(name, turn)
    return turn
  }

  /** The node refused the channel: read it from the chain before it is used again. */
  doubt(channel: PaidChannel): void {
    for (const booked of this.#channels.values()) {
      if (booked.channelId === channel.channelId) booked.doubtful = true
    }
  }

  async #reserve(
    name: string,
    candidate: PaidService,
    maxFeeAt: (price: PriceRecord) => bigint,
  ): Promise<Reservation> {
    const known = (await this.#usable(name)) ?? (await this.#found(name, candidate))
    const channel = known ?? (await this.#open(name, candidate, maxFeeAt))
    const maxFee = maxFeeAt(channel.price)
    if (channel.locked - channel.committed < maxFee) await this.#topUp(channel, maxFee)
    channel.committed += maxFee
    return {
      channel,
      maxFee,
      charged: (fee) => {
        channel.committed -= maxFee - fee
      },
      released: () => {
        channel.committed -= maxFee
      },
    }
  }

  async #usable(name: string): Promise<BookedChannel | undefined> {
    const channel = this.#channels.get(name)
    if (channel === undefined || !channel.doubtful) return channel
    const state = await this.#stateOf(channel)
    if (state === undefined) {
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
    { agentId, serviceId }: PaidService,
  ): Promise<BookedChannel | undefined> {
    const records = (await this.#with.records.all()).filter(
      (record) => record.agentId === agentId && record.serviceId === serviceId,
    )
    let best: BookedChannel | undefined
    for (const record of records) {
      const state = await this.#stateOf(record)
      if (state === undefined) continue
      const left = state.locked - state.committed
      if (best !== undefined && left <= best.locked - best.committed) continue
      best = { ...record, ...state, nonces: new Nonces('found'), doubtful: false }
    }
    if (best !== undefined) this.#channels.set(name, best)
    return best
  }

  /**
   * What the chain and the kept receipts say of a channel; undefined where it is not open to its key any more. What
   * other processes have under way is in neither, and a node refuses what goes beyond.
   */
  async #stateOf(
    record: ChannelRecord,
  ): Promise<{ readonly locked: bigint; readonly committed: bigint } | undefined> {
    const { ledger, records, feesOf } = this.#with
    const { state, locked, spent, sessionKey } = await ledger.channelOf(record.channelId)
    if (state === 'CLOSED') await records.forget(record.channelId)
    if (state !== 'OPEN' || sessionKey !== addressOf(record.sessionKey)) return undefined
    return { locked, committed: larger(spent, await feesOf(record.channelId)) }
  }

  async #open(
    name: string,
    { agentId, serviceId }: PaidService,
    maxFeeAt: (price: PriceRecord) => bigint,
  ): Promise<BookedChannel> {
    const { chain, budget, channelAmount } = this.#with
    // Read now: the price may have changed since the provider was found.
    const price = await chain.currentPrice(agentId, serviceId)
    const needed = maxFeeAt(price)
    const taken = await budget.take(larger(channelAmount, needed), needed)
    const { amount } = taken
    const terms = { agentId, serviceId, price, amount }
    const record = await openChannel(this.#with, terms, taken.giveBack)
    const channel = {
      ...record,
      nonces: new Nonces('opened'),
      locked: amount,
      committed: 0n,
      doubtful: false,
    }
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
  },
  onUnlocked: () => void = () => undefined,
): Promise<ChannelRecord> {
  const { agentId, serviceId, price, amount } = terms
  const sessionKey = randomBytes32()
  const opening = {
    agentId,
    serviceId,
    priceVersion: price.version,
    amount,
    sessionKey: addressOf(sessionKey),
  }
  let kept: ChannelRecord | undefined
  const keep = async (channelId: Hex): Promise<void> => {
    const record = { channelId, agentId, serviceId, price, sessionKey }
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
  return { channelId, agentId, serviceId, price, sessionKey }
}

/** Whether a contract refused, before anything was sent or in a block. */
function isReverted(error: unknown): boolean {
  return error instanceof SdkError && error.code === 'CHAIN_REVERT'
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
