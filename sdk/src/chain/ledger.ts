import {
  CHANNEL_MODES,
  CHANNEL_STATES,
  ledgerManagerAbi,
  lowercase,
  type Deployment,
} from '@jeju/contracts'
import { randomBytes32, toHex, type Hex } from '@jeju/verifier/protocol'
import { createChainClient, type ChainClient, type Wallet } from './viem-client.ts'

/** One of the contract's CHANNEL_STATES. */
export type ChannelState = (typeof CHANNEL_STATES)[number]

/** One of the contract's CHANNEL_MODES; fixed for a channel's life. */
export type ChannelMode = (typeof CHANNEL_MODES)[number]

/** A payment channel as the ledger holds it; amounts in wei, addresses in lower case. */
export interface LedgerChannel {
  readonly user: Hex
  readonly agentId: bigint
  readonly payee: Hex
  readonly serviceId: number
  readonly priceVersion: number
  readonly mode: ChannelMode
  readonly state: ChannelState
  readonly locked: bigint
  readonly spent: bigint
  /** Unix seconds from which a requested refund may be completed; 0 while OPEN. */
  readonly closeAt: bigint
  readonly sessionKey: Hex
}

/** What opens a channel. */
export interface ChannelOpening {
  readonly agentId: bigint
  readonly serviceId: number
  readonly priceVersion: number
  /** Wei to lock. */
  readonly amount: bigint
  /** Address of the key that signs authorisations. */
  readonly sessionKey: Hex
  /** RECEIPT when absent. */
  readonly mode?: ChannelMode
}

/** The wallet's money. Every call resolves once the transaction is in a block; amounts in wei. */
export interface Ledger {
  deposit(amount: bigint): Promise<Hex>
  /** From the available balance; to the wallet unless said otherwise. */
  withdraw(amount: bigint, to?: Hex): Promise<Hex>
  /**
   * Deposits what the available balance lacks in the same transaction. `beforeSend` is told the channel's id, and
   * nothing is sent before it ends.
   */
  openChannel(
    opening: ChannelOpening,
    beforeSend?: (channelId: Hex) => Promise<void>,
  ): Promise<{ readonly channelId: Hex; readonly hash: Hex }>
  /** Deposits what the available balance lacks in the same transaction. */
  topUp(channelId: Hex, amount: bigint, beforeSend?: () => void): Promise<Hex>
  /** Starts the refund of what is not charged; complete it at `closeAt` of {@link LedgerChannel}. */
  requestRefund(channelId: Hex): Promise<Hex>
  completeRefund(channelId: Hex): Promise<Hex>
  /** Of the payee alone: nothing more to charge, the rest is the user's at once. */
  releaseChannel(channelId: Hex): Promise<Hex>
  channelOf(channelId: Hex): Promise<LedgerChannel>
  /** Deposited and not locked in a channel; of the wallet unless said otherwise. */
  availableOf(user?: Hex): Promise<bigint>
}

/** Ledger calls of a wallet. Throws `CONFIG_CHAIN` when the wallet is on another chain than the deployment. */
export function createLedger(options: {
  readonly wallet: Wallet
  readonly deployment: Deployment
}): Ledger {
  return ledgerOf(createChainClient(options.wallet, options.deployment), options.deployment)
}

/** {@link createLedger} on a chain client that is there already. */
export function ledgerOf(client: ChainClient, deployment: Deployment): Ledger {
  const ledger = { address: deployment.ledgerManager, abi: ledgerManagerAbi } as const
  const availableOf = (user: Hex): Promise<bigint> =>
    client.read({ ...ledger, functionName: 'availableOf', args: [user] })
  const missing = async (amount: bigint): Promise<bigint> => {
    const available = await availableOf(client.account)
    return available >= amount ? 0n : amount - available
  }
  const write = async (
    functionName: 'requestRefund' | 'completeRefund' | 'releaseChannel',
    channelId: Hex,
  ) => (await client.write({ ...ledger, functionName, args: [channelId] })).hash
  return {
    deposit: async (value) =>
      (await client.write({ ...ledger, functionName: 'deposit', args: [], value })).hash,
    withdraw: async (amount, to = client.account) =>
      (await client.write({ ...ledger, functionName: 'withdraw', args: [amount, to] })).hash,
    openChannel: async (opening, beforeSend) => {
      const salt = BigInt(toHex(randomBytes32()))
      const mode = CHANNEL_MODES.indexOf(opening.mode ?? 'RECEIPT')
      const { hash, result } = await client.write(
        {
          ...ledger,
          functionName: 'openChannel',
          args: [{ ...opening, user: client.account, mode, salt }],
          value: await missing(opening.amount),
        },
        beforeSend,
      )
      return { channelId: result, hash }
    },
    topUp: async (channelId, amount, beforeSend) => {
      const { hash } = await client.write(
        {
          ...ledger,
          functionName: 'topUp',
          args: [channelId, amount],
          value: await missing(amount),
        },
        beforeSend,
      )
      return hash
    },
    requestRefund: (channelId) => write('requestRefund', channelId),
    completeRefund: (channelId) => write('completeRefund', channelId),
    releaseChannel: (channelId) => write('releaseChannel', channelId),
    channelOf: async (channelId) => {
      const channel = await client.read({ ...ledger, functionName: 'channelOf', args: [channelId] })
      return {
        ...channel,
        user: lowercase(channel.user),
        payee: lowercase(channel.payee),
        sessionKey: lowercase(channel.sessionKey),
        mode: CHANNEL_MODES[channel.mode] ?? 'VOUCHER',
        // An unknown number is a contract we do not know: never read as OPEN.
        state: CHANNEL_STATES[channel.state] ?? 'NONE',
      }
    },
    availableOf: (user = client.account) => availableOf(user),
  }
}
