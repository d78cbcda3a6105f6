import { addressOf, randomBytes32, toHex, type Hex } from '@jeju/verifier/protocol'
import { createMemoryStore, type ChannelMode, type LedgerChannel } from '@jeju/sdk'
import { SdkError } from '@jeju/sdk/payment'
import type { OwnChannels } from '../../../gateway/src/sponsor/own-channels.ts'
import type { GatewayStore } from '../../../gateway/src/store/gateway-store.ts'
import { ChannelBook, type ChannelBudget } from '../../../sdk/src/payment/channel-book.ts'
import { ChannelRecords } from '../../../sdk/src/payment/channel-records.ts'
import { deployment } from './deployment.ts'
import type { TestChain } from './test-chain.ts'

/** The gateway's paying wallet in tests. */
export const SPONSOR: Hex = addressOf(new Uint8Array(32).fill(0x33))

/** The SDK's own book over a chain in memory. */
export class TestChannels implements OwnChannels {
  readonly wallet = SPONSOR
  readonly channels: ChannelBook
  /** Wei locked by each opening and top-up. */
  readonly locked: bigint[] = []
  readonly opened: Hex[] = []
  readonly #known = new Map<Hex, LedgerChannel>()
  /** Makes every transaction fail. */
  down = false

  constructor(
    chain: TestChain,
    fees: GatewayStore['fees'],
    budget?: ChannelBudget,
    mode: ChannelMode = 'RECEIPT',
  ) {
    const known = this.#known
    const lock = (amount: bigint): void => {
      if (this.down) throw new SdkError('CHAIN_WRITE', 'RPC is down')
      this.locked.push(amount)
    }
    this.channels = new ChannelBook({
      ledger: {
        openChannel: async (opening, beforeSend) => {
          const { agentId, serviceId, priceVersion, amount, sessionKey } = opening
          lock(amount)
          const channelId = toHex(randomBytes32())
          await beforeSend?.(channelId)
          const state = chain.providers.get(agentId)
          known.set(channelId, {
            user: SPONSOR,
            agentId,
            payee: state?.owner ?? SPONSOR,
            serviceId,
            priceVersion,
            mode: opening.mode ?? 'RECEIPT',
            state: 'OPEN',
            locked: amount,
            spent: 0n,
            closeAt: 0n,
            sessionKey,
          })
          this.opened.push(channelId)
          return { channelId, hash: toHex(randomBytes32()) }
        },
        topUp: async (channelId, amount) => {
          lock(amount)
          const channel = known.get(channelId)
          if (channel === undefined) throw new Error('a channel')
          known.set(channelId, { ...channel, locked: channel.locked + amount })
          return toHex(randomBytes32())
        },
        channelOf: async (channelId) => {
          const channel = known.get(channelId)
          if (channel === undefined) throw new Error('a channel')
          return channel
        },
      },
      chain: {
        currentPrice: async (agentId, serviceId) => (await chain.terms(agentId, serviceId)).price,
      },
      records: new ChannelRecords(createMemoryStore(), {
        chainId: deployment.chainId,
        ledger: deployment.ledgerManager,
        user: SPONSOR,
      }),
      feesOf: async (channelId) => fees.of(channelId),
      channelAmount: 10_000n,
      mode,
      budget: budget ?? { take: (amount) => ({ amount, giveBack: () => undefined }) },
      onEvent: () => undefined,
    })
  }
  /** So much was settled of a channel. */
  settle(channelId: Hex, spent: bigint): void {
    const channel = this.#known.get(channelId)
    if (channel !== undefined) this.#known.set(channelId, { ...channel, spent })
  }
}
