import { createHash } from 'node:crypto'
import {
  accountRequestDigest,
  addressOf,
  encodeAccountRequest,
  randomBytes32,
  requestHash,
  signDigest,
  toHex,
  utf8,
  type AccountRequest,
  type Hex,
} from '@jeju/verifier/protocol'
import { parseAccounts } from '../../../gateway/src/sponsor/accounts.ts'
import { servingDomain } from './deployment.ts'
import { SPONSOR } from './own-channels.ts'
import type { Responder } from './test-connection.ts'
import { TestNetwork, type NetworkOptions } from './test-network.ts'
import type { NodeOptions, TestNode } from './test-node.ts'

export const KEY = 'jk-a-key-of-alice'
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

  withKey(body = BODY): Promise<Response> {
    return this.post(body, { authorization: `Bearer ${KEY}` })
  }

  /** By the wallet's key unless another is given. */
  signed(changes: Partial<AccountRequest>, key = WALLET_KEY): Promise<Response> {
    const salt = toHex(randomBytes32())
    const request: AccountRequest = {
      gateway: SPONSOR,
      requestHash: requestHash(salt, 'POST', '/v1/chat/completions', utf8(BODY)),
      maxFee: 1_000n,
      nonce: 1n,
      validUntil: BigInt(Math.floor(this.nowMs / 1000)) + 600n,
      ...changes,
    }
    const signature = signDigest(accountRequestDigest(request, servingDomain), key)
    return this.post(BODY, {
      'compute-account': encodeAccountRequest({ request, salt, signature }),
    })
  }

  async spent(): Promise<bigint> {
    return this.store.budgets.spent(
      'account:alice',
      new Date(this.nowMs).toISOString().slice(0, 10),
    )
  }
}

export type PayingOptions = Omit<NetworkOptions, 'sponsor'> & { readonly budget?: bigint }

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
export function payingNetwork({ budget = 1_000n, ...options }: PayingOptions): PayingNetwork {
  const wallet: Hex = addressOf(WALLET_KEY)
  const alice = { name: 'alice', budgetPerDay: budget.toString(), keySha256: sha256(KEY), wallet }
  const accounts = parseAccounts(JSON.stringify({ accounts: [alice] }))
  return new PayingNetwork({ ...options, sponsor: { maxFeePerRequest: 1_000n, accounts } })
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
