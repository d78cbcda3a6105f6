import {
  SdkError,
  type AgentService,
  type BindingRecord,
  type ChainReader,
  type ChannelOpening,
  type ClientChain,
  type Ledger,
  type LedgerChannel,
  type PriceRecord,
  type ProviderRecord,
  type ServiceRecord,
} from '@jeju/sdk'
import type { DeviceRecord } from '@jeju/contracts'
import { randomBytes32, toHex, type Hex } from '@jeju/verifier/protocol'

const NOBODY: Hex = `0x${'00'.repeat(20)}`
/** Whose channels they are. */
export const USER: Hex = `0x${'5e'.repeat(20)}`
/** From a refund's request to its end. */
const REFUND_DELAY_S = 24 * 3600

/** Contracts' state in memory, read and written through the interfaces the SDK uses. */
export class TestChain implements ChainReader, Pick<Ledger, keyof ClientChain['ledger']> {
  readonly providers = new Map<bigint, ProviderRecord>()
  readonly offers = new Map<bigint, (ServiceRecord & { readonly price: PriceRecord })[]>()
  /** On a chain without a verifier, unless one says more. */
  readonly bindings = new Map<
    Hex,
    Omit<BindingRecord, keyof DeviceRecord> & Partial<DeviceRecord>
  >()
  readonly channels = new Map<Hex, LedgerChannel>()
  #passed = 0
  /** Services of registration files. */
  readonly services8004 = new Map<bigint, readonly AgentService[]>()
  readonly openings: ChannelOpening[] = []
  readonly topUps: { readonly channelId: Hex; readonly amount: bigint }[] = []

  async provider(agentId: bigint): Promise<ProviderRecord> {
    return this.providers.get(agentId) ?? { active: false, owner: NOBODY }
  }

  async services(agentId: bigint): Promise<readonly ServiceRecord[]> {
    return this.offers.get(agentId) ?? []
  }

  async currentPrice(agentId: bigint, serviceId: number): Promise<PriceRecord> {
    const offer = this.offers.get(agentId)?.find((service) => service.serviceId === serviceId)
    if (offer === undefined) throw new Error('no such service')
    return offer.price
  }

  async binding(bindingId: Hex): Promise<BindingRecord> {
    const binding = this.bindings.get(bindingId) ?? { valid: false, agentId: 0n, signer: NOBODY }
    return { tier: 'none', devices: 'not_kept', ...binding }
  }

  async openChannel(
    opening: ChannelOpening,
    beforeSend?: (channelId: Hex) => Promise<void>,
  ): Promise<{ channelId: Hex; hash: Hex }> {
    const channelId = toHex(randomBytes32())
    await beforeSend?.(channelId)
    this.openings.push(opening)
    const { agentId, serviceId, priceVersion, sessionKey, amount } = opening
    this.channels.set(channelId, {
      user: USER,
      payee: NOBODY,
      agentId,
      serviceId,
      priceVersion,
      sessionKey,
      mode: opening.mode ?? 'RECEIPT',
      state: 'OPEN',
      locked: amount,
      spent: 0n,
      closeAt: 0n,
    })
    return { channelId, hash: toHex(randomBytes32()) }
  }

  async topUp(channelId: Hex, amount: bigint): Promise<Hex> {
    this.topUps.push({ channelId, amount })
    const channel = await this.channelOf(channelId)
    this.channels.set(channelId, { ...channel, locked: channel.locked + amount })
    return toHex(randomBytes32())
  }

  async channelOf(channelId: Hex): Promise<LedgerChannel> {
    const channel = this.channels.get(channelId)
    if (channel === undefined) throw new Error('no such channel')
    return channel
  }

  async requestRefund(channelId: Hex): Promise<Hex> {
    const closeAt = BigInt(this.#seconds() + REFUND_DELAY_S)
    return this.#change(channelId, { state: 'CLOSING', closeAt })
  }

  async completeRefund(channelId: Hex): Promise<Hex> {
    const { closeAt } = await this.channelOf(channelId)
    if (this.#seconds() < closeAt) {
      throw new SdkError('CHAIN_REVERT', `completeRefund: RefundNotDue(${closeAt}, 0)`)
    }
    return this.release(channelId)
  }

  /** As the payee may, at any time. */
  async release(channelId: Hex): Promise<Hex> {
    const { spent } = await this.channelOf(channelId)
    return this.#change(channelId, { state: 'CLOSED', locked: spent })
  }

  /** Lets time pass on this chain. */
  passTime(seconds: number): void {
    this.#passed += seconds
  }

  #seconds(): number {
    return Math.floor(Date.now() / 1000) + this.#passed
  }

  async #change(channelId: Hex, change: Partial<LedgerChannel>): Promise<Hex> {
    this.channels.set(channelId, { ...(await this.channelOf(channelId)), ...change })
    return toHex(randomBytes32())
  }
}
