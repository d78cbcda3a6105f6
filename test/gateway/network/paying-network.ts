import { createHash } from 'node:crypto'
import { privateKeyToAccount } from 'viem/accounts'
import {
  accountHeader,
  connectWallet,
  type AccountHeaderOptions,
  type ChannelMode,
} from '@jeju/sdk'
import { addressOf, toHex, utf8, type Hex } from '@jeju/verifier/protocol'
import { parseAccounts } from '../../../gateway/src/sponsor/accounts.ts'
import { deployment } from './deployment.ts'
import { SPONSOR } from './own-channels.ts'
import type { Responder } from './test-connection.ts'
import { TestNetwork, type NetworkOptions } from './test-network.ts'
import type { NodeOptions, TestNode } from './test-node.ts'

export const KEY = 'jk-a-key-of-alice'
export const KEY_OF_BOB = 'jk-a-key-of-bob'
export const WALLET_KEY = new Uint8Array(32).fill(0x21)
export const BODY = '{"model":"enclave-mini","messages":[],"max_tokens":10}'
/** A network whose gateway pays; with what a test asks of it. */
export class PayingNetwork extends TestNetwork {
  /** Its prompts are plain: TLS ends in its nodes. */
  override add(options: NodeOptions = {}, serve?: (node: TestNode) => Responder): TestNode {
    return super.add({ tls: true, ...options }, serve)
  }

  post(body: string, headers: Readonly<Record<string, string>>): Promise<Response> {
    const type = { 'content-type': 'application/json' }
    return this.request('/v1/chat/completions', {
      method: 'POST',
      body,
      headers: { ...type, ...headers },
    })
  }

  withKey(body = BODY, key = KEY): Promise<Response> {
    return this.post(body, { authorization: `Bearer ${key}` })
  }

  /** By the wallet's key unless another is given; posted is always BODY. */
  async signed(changes: Partial<AccountHeaderOptions>, key = WALLET_KEY): Promise<Response> {
    const { chainId } = deployment
    const account = privateKeyToAccount(toHex(key))
    const header = await accountHeader({
      // Signing asks no chain.
      wallet: connectWallet({ rpcUrl: 'http://127.0.0.1:1', chainId, account }),
      gateway: SPONSOR,
      deployment,
      path: '/v1/chat/completions',
      body: utf8(BODY),
      maxFee: 1_000n,
      now: () => new Date(this.nowMs),
      ...changes,
    })
    return this.post(BODY, header)
  }

  async spent(): Promise<bigint> {
    return this.store.budgets.spent(
      'account:alice',
      new Date(this.nowMs).toISOString().slice(0, 10),
    )
  }
}

export type PayingOptions = Omit<NetworkOptions, 'sponsor'> & {
  readonly budget?: bigint
  readonly mode?: ChannelMode
}

/** With one node; the gateway pays for alice. */
export async function paying(
  options: PayingOptions = {},
  serve?: (node: TestNode) => Responder,
): Promise<{ readonly network: PayingNetwork; readonly node: TestNode }> {
  const network = payingNetwork(options)
  const node = network.add({}, serve)
  await network.update()
  return { network, node }
}

/** Without a node. */
export function payingNetwork({
  budget = 1_000n,
  mode = 'RECEIPT',
  ...options
}: PayingOptions): PayingNetwork {
  const wallet: Hex = addressOf(WALLET_KEY)
  const alice = { name: 'alice', budgetPerDay: budget.toString(), keySha256: sha256(KEY), wallet }
  const bob = { name: 'bob', budgetPerDay: budget.toString(), keySha256: sha256(KEY_OF_BOB) }
  const accounts = parseAccounts(JSON.stringify({ accounts: [alice, bob] }))
  return new PayingNetwork({ ...options, sponsor: { maxFeePerRequest: 1_000n, accounts, mode } })
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
