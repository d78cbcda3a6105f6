import type { Deployment } from '@jeju/contracts'
import type { Hex } from '@jeju/verifier/protocol'
import { createChainReader } from '../chain/chain-reader.ts'
import { ledgerOf, type ChannelMode } from '../chain/ledger.ts'
import { createChainClient, type Wallet } from '../chain/viem-client.ts'
import type { OnSdkEvent } from '../events/sdk-event.ts'
import type { Store } from '../store/store.ts'
import { ChannelBook, type ChannelBudget } from './channel-book.ts'
import { ChannelRecords } from './channel-records.ts'

/** What {@link openChannelBook} needs. */
export interface ChannelBookOptions {
  readonly wallet: Wallet
  readonly deployment: Deployment
  /** Where channels and their session keys are kept. */
  readonly store: Store
  /** Wei that the kept receipts of a channel come to. */
  readonly feesOf: (channelId: Hex) => Promise<bigint>
  /** Wei locked at once. */
  readonly channelAmount: bigint
  readonly budget: ChannelBudget
  /** Of channels that are opened, and of those that are found; RECEIPT when absent. */
  readonly mode?: ChannelMode
  readonly onEvent: OnSdkEvent
  /** Sends a transaction while no other process with the same wallet does; at once unless given. */
  readonly inTurn?: <Value>(send: () => Promise<Value>) => Promise<Value>
}

/** The channels of a wallet on its chain. Throws `CONFIG_CHAIN` when the wallet is on another chain. */
export function openChannelBook(options: ChannelBookOptions): ChannelBook {
  const { wallet, deployment, store, inTurn = (send) => send(), ...others } = options
  const client = createChainClient(wallet, deployment)
  const { chainId, ledgerManager: ledger } = deployment
  const own = ledgerOf(client, deployment)
  return new ChannelBook({
    ...others,
    ledger: {
      ...own,
      openChannel: (...opening) => inTurn(() => own.openChannel(...opening)),
      topUp: (...more) => inTurn(() => own.topUp(...more)),
    },
    chain: createChainReader(client, deployment),
    records: new ChannelRecords(store, { chainId, ledger, user: client.account }),
  })
}
