import type { Deployment } from '@jeju/contracts'
import type { ContractDomain } from '@jeju/verifier/protocol'
import { ledgerOf, type Ledger } from '../../chain/ledger.ts'
import { readRegistration } from '../../chain/registration.ts'
import { isDevelopmentChain } from '../../chain/development-chain.ts'
import { createChainClient, type ChainClient } from '../../chain/viem-client.ts'
import { SdkError } from '../../errors/sdk-error.ts'
import { ChannelRecords } from '../../payment/channel-records.ts'
import type { ClosingParts } from '../../payment/close-channel.ts'
import { ReceiptBook } from '../../receipts/receipt-book.ts'
import { askRelease } from '../../release/ask-release.ts'
import { readNetwork } from '../settings/network.ts'
import type { Values } from '../settings/read-setting.ts'
import { openHome, readWallet } from '../settings/wallet.ts'
import type { Terminal } from '../terminal.ts'

/** A wallet, the ledger, and what the home folder knows of its channels. */
export interface ChannelSetting extends ClosingParts {
  readonly deployment: Deployment
  readonly client: ChainClient
  readonly ledger: Ledger
  readonly receipts: ReceiptBook
}

/** Where the commands about channels begin. Throws a UsageError or `CONFIG_…`. */
export async function readChannelSetting(
  values: Values,
  terminal: Terminal,
): Promise<ChannelSetting> {
  const network = await readNetwork(values, terminal)
  const deployment = await network.deployment()
  const wallet = await readWallet(values, terminal, network.rpcUrl(), deployment)
  const client = createChainClient(wallet, deployment)
  const store = await openHome(values, terminal)
  const receipts = new ReceiptBook(store)
  const { chainId, ledgerManager, inferenceServing } = deployment
  const owner = { chainId, ledger: ledgerManager, user: client.account }
  const records = new ChannelRecords(store, owner)
  const domain: ContractDomain = { chainId: BigInt(chainId), verifyingContract: ledgerManager }
  const asking = {
    servicesOf: async (agentId: bigint) =>
      (await readRegistration(client, deployment, agentId)).services,
    feesOf: async (channelId: `0x${string}`) =>
      records.feesOf(channelId, await receipts.feesOf(channelId)),
    ledger: domain,
    serving: { ...domain, verifyingContract: inferenceServing },
    allowLoopback: isDevelopmentChain(chainId),
    transport: fetch,
    now: () => new Date(),
  }
  return {
    deployment,
    client,
    ledger: ledgerOf(client, deployment),
    records,
    receipts,
    release: async (record) => {
      terminal.tell(`asking agent ${record.agentId} to release ${record.channelId} …`)
      try {
        await askRelease(asking, record)
      } catch (error) {
        if (error instanceof SdkError) terminal.tell(`agent ${record.agentId}: ${error.message}`)
        throw error
      }
    },
  }
}
