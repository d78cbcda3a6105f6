import type { Deployment } from '@jeju/contracts'
import { createProvider, type Provider } from '../../provider/create-provider.ts'
import {
  COMMON_HELP,
  JSON_FLAG,
  NETWORK_FLAGS,
  NETWORK_HELP,
  WALLET_FLAGS,
  WALLET_HELP,
} from '../flags.ts'
import { readNetwork, type Network } from '../settings/network.ts'
import type { Values } from '../settings/read-setting.ts'
import { readWallet } from '../settings/wallet.ts'
import type { Terminal } from '../terminal.ts'

/** Which contracts, and the owner's wallet. */
export const OWNER_FLAGS: typeof JSON_FLAG & typeof NETWORK_FLAGS & typeof WALLET_FLAGS = {
  ...JSON_FLAG,
  ...NETWORK_FLAGS,
  ...WALLET_FLAGS,
}

/** The same, and which of his agents. */
export const AGENT_FLAGS: typeof OWNER_FLAGS & { readonly agent: { readonly type: 'string' } } = {
  ...OWNER_FLAGS,
  agent: { type: 'string' },
}

/** The lines of `--help` about {@link OWNER_FLAGS}. */
export const OWNER_HELP: string = `${NETWORK_HELP}
${WALLET_HELP}
${COMMON_HELP}`

/** An owner of agents at a shell. */
export interface OwnerSetting {
  readonly network: Network
  readonly deployment: Deployment
  readonly provider: Provider
}

/** Reads contracts and wallet. Throws a UsageError or an SdkError. */
export async function readOwnerSetting(values: Values, terminal: Terminal): Promise<OwnerSetting> {
  const network = await readNetwork(values, terminal)
  const deployment = await network.deployment()
  const wallet = await readWallet(values, terminal, network.rpcUrl(), deployment)
  return { network, deployment, provider: createProvider({ wallet, deployment }) }
}
