import { createMemoryStore, type LedgerChannel, type PriceRecord } from '@jeju/sdk'
import {
  randomBytes32,
  toHex,
  utf8,
  type Hex,
  type SignedRequestAuth,
} from '@jeju/verifier/protocol'
import { authorise } from '../../../sdk/src/payment/authorise.ts'
import { ChannelBook, type Reservation } from '../../../sdk/src/payment/channel-book.ts'
import { ChannelRecords } from '../../../sdk/src/payment/channel-records.ts'
import { deployment, servingDomain } from './deployment.ts'
import { PRICE, type TestChain } from './test-chain.ts'
import { CHAT_PATH } from './test-client.ts'

const USER: Hex = `0x${'5e'.repeat(20)}`
const PRICE_RECORD: PriceRecord = { ...PRICE, version: 1 }

/** The SDK's own books over a chain of the node's tests, with a channel that is paid by vouchers. */
export class BookClient {
  readonly #chain: TestChain
  readonly #locked: bigint
  readonly #bindingId: Hex
  readonly #store = createMemoryStore()
  readonly records: ChannelRecords
  /** Receipts that were kept, by channel. */
  readonly #fees = new Map<Hex, bigint>()
  book: ChannelBook

  constructor(chain: TestChain, bindingId: Hex, locked: bigint) {
    this.#chain = chain
    this.#locked = locked
    this.#bindingId = bindingId
    const { chainId, ledgerManager: ledger } = deployment
    this.records = new ChannelRecords(this.#store, { chainId, ledger, user: USER })
    this.book = this.another()
  }

  /** What another process would have: nothing but the chain and the store. */
  another(): ChannelBook {
    return new ChannelBook({
      ledger: {
        openChannel: async ({ agentId, serviceId, priceVersion, sessionKey, amount }, keep) => {
          const channelId = toHex(randomBytes32())
          await keep?.(channelId)
          this.#chain.channels.set(channelId, {
            agentId,
            serviceId,
            priceVersion,
            mode: 'voucher',
            state: 'open',
            locked: amount,
            spent: 0n,
            closeAt: 0n,
            sessionKey,
          })
          return { channelId, hash: toHex(randomBytes32()) }
        },
        topUp: async (channelId, amount) => {
          const channel = await this.#chain.channel(channelId)
          this.#chain.channels.set(channelId, { ...channel, locked: channel.locked + amount })
          return toHex(randomBytes32())
        },
        channelOf: async (channelId): Promise<LedgerChannel> => {
          const channel = await this.#chain.channel(channelId)
          const state = channel.state === 'open' ? 'OPEN' : 'CLOSED'
          return { ...channel, user: USER, payee: USER, mode: 'VOUCHER', state }
        },
      },
      chain: { currentPrice: async () => PRICE_RECORD },
      records: this.records,
      feesOf: async (channelId) => this.#fees.get(channelId) ?? 0n,
      channelAmount: this.#locked,
      budget: { take: (amount) => ({ amount, giveBack: () => undefined }) },
      mode: 'VOUCHER',
      onEvent: () => undefined,
    })
  }

  async sign(
    body: string,
    maxFee: bigint,
    book = this.book,
    bindingId = this.#bindingId,
  ): Promise<SignedByBook> {
    const reservation = await book.reserve({ agentId: 0n, serviceId: 0, bindingId }, () => maxFee)
    const signed = authorise({
      path: CHAT_PATH,
      body: utf8(body),
      reservation,
      bindingId,
      serving: servingDomain,
      now: new Date(Number(this.#chain.now()) * 1000),
    })
    return { signed, reservation }
  }

  /** A verified receipt, that is kept. */
  charged({ reservation }: SignedByBook, fee: bigint): void {
    const { channelId } = reservation.channel
    this.#fees.set(channelId, (this.#fees.get(channelId) ?? 0n) + fee)
    reservation.charged(fee)
  }
}

/** What the book has signed, and what ends its reservation. */
export interface SignedByBook {
  readonly signed: SignedRequestAuth
  readonly reservation: Reservation
}
