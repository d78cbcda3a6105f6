import { readFile, stat } from 'node:fs/promises'
import type { Deployment } from '@jeju/contracts'
import { connectWallet } from '@jeju/sdk'
import { openFolderStore } from '@jeju/sdk/node'
import {
  accountOf,
  openChannelBook,
  SdkError,
  type ChannelBook,
  type ChannelBudget,
} from '@jeju/sdk/payment'
import type { Hex } from '@jeju/verifier/protocol'
import type { Logger } from '../logging.ts'
import type { SharedState } from '../state/shared-state.ts'
import type { GatewayStore } from '../store/gateway-store.ts'
import { reachable } from './purse.ts'
import type { SponsorSettings } from './sponsor-settings.ts'

/** The gateway's own channels, and the wallet that opens them. */
export interface OwnChannels {
  readonly channels: Pick<ChannelBook, 'reserve' | 'doubt' | 'dispute' | 'chargedOf'>
  /** Lower case. */
  readonly wallet: Hex
}

/** What {@link openChannels} needs. */
export interface OpenChannelsParts {
  readonly settings: SponsorSettings
  readonly rpcUrls: readonly string[]
  readonly deployment: Deployment
  readonly shared: Pick<SharedState, 'alone' | 'budgets'>
  readonly fees: GatewayStore['fees']
  readonly logger: Logger
  readonly now: () => Date
}

/** Key file or folder cannot be used; the message never holds what is in them. */
export class SponsorError extends Error {
  override readonly name = 'SponsorError'
  readonly code = 'SPONSOR_FILES'
}

/** Bits of a mode that let somebody else in. */
const OTHERS = 0o077
/** Names what all replicas together lock on one day. */
const LOCKED = 'sponsor:locked'

/**
 * Opens the channels of the wallet whose key is in a file; opened and topped up on chain as requests need them, by the
 * SDK's own book, within the day's limit.
 * @throws SponsorError
 */
export async function openChannels(parts: OpenChannelsParts): Promise<OwnChannels> {
  const { settings, rpcUrls, deployment, shared, fees, logger } = parts
  const account = await readKeyFile(settings.keyFile)
  const wallet = connectWallet({ rpcUrl: rpcUrls, chainId: deployment.chainId, account })
  const channels = openChannelBook({
    wallet,
    deployment,
    store: await openFolder(settings.folder),
    feesOf: async (channelId) => fees.of(channelId),
    channelAmount: settings.channelAmount,
    mode: settings.channels === 'vouchers' ? 'VOUCHER' : 'RECEIPT',
    budget: lockingBudget(parts),
    // Two transactions of one wallet that were prepared at once have the same account nonce.
    inTurn: (send) => reachable(shared.alone(`wallet:${account.address}`, send)),
    onEvent: (event) => {
      if (event.type !== 'channel-opened' && event.type !== 'channel-topped-up') return
      const { type, channelId, amount } = event
      logger.info({ channelId, wei: amount.toString() }, type)
    },
  })
  return { channels, wallet: toLower(account.address) }
}

/** What may be locked on one day, by all replicas together; while that cannot be counted nothing is. */
export function lockingBudget({
  settings,
  shared,
  now,
}: Pick<OpenChannelsParts, 'now'> & {
  readonly shared: Pick<SharedState, 'budgets'>
  readonly settings: Pick<SponsorSettings, 'lockedPerDay'>
}): ChannelBudget {
  const { lockedPerDay: limit } = settings
  return {
    take: async (wanted, needed) => {
      // What is given back belongs to the day it was taken on.
      const at = now()
      for (const amount of wanted > needed ? [wanted, needed] : [needed]) {
        const spending = { account: LOCKED, amount, limit, at }
        if (!(await shared.budgets.reserve(spending).catch(() => false))) continue
        const giveBack = (): void => {
          shared.budgets.giveBack(spending).catch(() => undefined)
        }
        return { amount, giveBack }
      }
      throw new SdkError('BUDGET_EXHAUSTED', `channels: ${limit} wei may be locked in a day`)
    },
  }
}

async function openFolder(path: string): ReturnType<typeof openFolderStore> {
  try {
    return await openFolderStore(path)
  } catch (error) {
    throw error instanceof SdkError ? new SponsorError(`folder: ${error.message}`) : error
  }
}

async function readKeyFile(path: string): Promise<ReturnType<typeof accountOf>> {
  let text: string
  try {
    const { mode } = await stat(path)
    if ((mode & OTHERS) !== 0)
      throw new SponsorError('key file: others may read it; expected mode 600')
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof SponsorError) throw error
    throw new SponsorError('key file: cannot be read')
  }
  try {
    return accountOf(text)
  } catch {
    throw new SponsorError('key file: expected a secp256k1 private key, 64 hex digits')
  }
}

function toLower(address: string): Hex {
  return `0x${address.slice(2).toLowerCase()}`
}
