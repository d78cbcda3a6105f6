import { addressOf, randomBytes32, type Hex } from '@jeju/verifier/protocol'
import type { ChainReader, PriceRecord } from '../chain/chain-reader.ts'
import type { Ledger } from '../chain/ledger.ts'
import type { OnSdkEvent } from '../events/sdk-event.ts'
import type { Candidate } from '../session/candidates.ts'

/** A channel this process opened, with the key that signs for it. */
export interface PaidChannel {
  readonly channelId: Hex
  /** Of the channel's own price version, which never changes. */
  readonly price: PriceRecord
  /** secp256k1 private key; in memory only. */
  readonly sessionKey: Uint8Array
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

/** The channels of one wallet, one for each service, opened and topped up as requests need them. */
export class ChannelBook {
  readonly #channels = new Map<string, BookedChannel>()
  readonly #turns = new Map<string, Promise<unknown>>()
  readonly #ledger: Pick<Ledger, 'openChannel' | 'topUp' | 'channelOf'>
  readonly #chain: Pick<ChainReader, 'currentPrice'>
  readonly #channelAmount: bigint
  readonly #onEvent: OnSdkEvent

  constructor(options: {
    readonly ledger: Pick<Ledger, 'openChannel' | 'topUp' | 'channelOf'>
    readonly chain: Pick<ChainReader, 'currentPrice'>
    /** Wei locked at once. */
    readonly channelAmount: bigint
    readonly onEvent: OnSdkEvent
  }) {
    this.#ledger = options.ledger
    this.#chain = options.chain
    this.#channelAmount = options.channelAmount
    this.#onEvent = options.onEvent
  }

  /** Room for the fee that `maxFeeAt` states for the channel's price. Requests of one service take turns. */
  reserve(candidate: Candidate, maxFeeAt: (price: PriceRecord) => bigint): Promise<Reservation> {
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
    candidate: Candidate,
    maxFeeAt: (price: PriceRecord) => bigint,
  ): Promise<Reservation> {
    const known = await this.#usable(name)
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
    const { state, locked, spent, sessionKey } = await this.#ledger.channelOf(channel.channelId)
    if (state !== 'OPEN' || sessionKey !== addressOf(channel.sessionKey)) {
      this.#channels.delete(name)
      return undefined
    }
    channel.locked = locked
    // A refusal is nobody's signed word: what was released for it may have been charged all the same.
    channel.committed = larger(channel.committed, spent)
    channel.doubtful = false
    return channel
  }

  async #open(
    name: string,
    { agentId, serviceId }: Candidate,
    maxFeeAt: (price: PriceRecord) => bigint,
  ): Promise<BookedChannel> {
    // Read now: the price may have changed since the provider was found.
    const price = await this.#chain.currentPrice(agentId, serviceId)
    const amount = larger(this.#channelAmount, maxFeeAt(price))
    const sessionKey = randomBytes32()
    const opening = {
      agentId,
      serviceId,
      priceVersion: price.version,
      amount,
      sessionKey: addressOf(sessionKey),
    }
    const { channelId, hash } = await this.#ledger.openChannel(opening)
    const channel = {
      channelId,
      price,
      sessionKey,
      locked: amount,
      committed: 0n,
      doubtful: false,
    }
    this.#channels.set(name, channel)
    this.#onEvent({ type: 'channel-opened', channelId, transaction: hash, ...opening })
    return channel
  }

  async #topUp(channel: BookedChannel, maxFee: bigint): Promise<void> {
    const { channelId } = channel
    const missing = maxFee - (channel.locked - channel.committed)
    const amount = larger(this.#channelAmount, missing)
    const transaction = await this.#ledger.topUp(channelId, amount).catch((error: unknown) => {
      channel.doubtful = true
      throw error
    })
    channel.locked += amount
    this.#onEvent({ type: 'channel-topped-up', channelId, amount, transaction })
  }
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
