import type { Account } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { toHex, type Hex } from '@jeju/verifier/protocol'
import { payX402 } from '../../../demo/network/pay-x402.ts'
import { NO_ACCOUNTS } from '../../../gateway/src/sponsor/accounts.ts'
import { createFacilitator, type FindSettlement } from '../../../gateway/src/x402/facilitator.ts'
import type { X402Settings } from '../../../gateway/src/x402/x402-settings.ts'
import type { Responder } from './test-connection.ts'
import { TestNetwork, type NetworkOptions } from './test-network.ts'
import type { NodeOptions, TestNode } from './test-node.ts'
import { bodyOf, serveHttp } from './upstream.ts'

export const PAYER = privateKeyToAccount(toHex(new Uint8Array(32).fill(0x61)))
export const PAY_TO: Hex = `0x${'70'.repeat(20)}`
export const ASSET: Hex = `0x${'a5'.repeat(20)}`
const BODY = '{"model":"enclave-mini","messages":[],"max_tokens":10}'
/** A wei at most, at a thousand units for a wei. */
export const PRICE = 1_000n
export const TRANSACTION = toHex(new Uint8Array(32).fill(9))
export const NETWORK = 'eip155:31337'

/** What a facilitator answers instead. */
export interface Saying {
  readonly verify?: unknown
  readonly settle?: unknown
}

/** A network whose gateway takes payments. */
export class PaidNetwork extends TestNetwork {
  /** Its prompts are plain: TLS ends in its nodes. */
  override add(options: NodeOptions = {}, serve?: (node: TestNode) => Responder): TestNode {
    return super.add({ tls: true, ...options }, serve)
  }

  /** With this payment, or none. */
  pay(payment?: string, routing: object = {}, signal?: AbortSignal): Promise<Response> {
    const headers = {
      'content-type': 'application/json',
      'compute-routing': JSON.stringify(routing),
    }
    return this.request('/v1/chat/completions', {
      method: 'POST',
      body: BODY,
      ...(signal === undefined ? {} : { signal }),
      headers: payment === undefined ? headers : { ...headers, 'payment-signature': payment },
    })
  }

  /** Signed for what is asked. */
  async payment(
    changes: Parameters<typeof payX402>[2] = {},
    payer: Account = PAYER,
  ): Promise<string> {
    const required = (await this.pay()).headers.get('payment-required')
    return payX402(payer, required ?? '', changes)
  }

  async price(): Promise<string> {
    const { accepts } = decoded(await this.pay(), 'payment-required') as {
      accepts: { amount: string }[]
    }
    return accepts[0]?.amount ?? ''
  }

  unpaid(): bigint {
    return this.store.budgets.spent('x402:unpaid', new Date(this.nowMs).toISOString().slice(0, 10))
  }
}

export interface PaidOptions extends Omit<NetworkOptions, 'sponsor'> {
  readonly settings?: Partial<X402Settings>
  readonly saying?: Saying
  /** Wei. */
  readonly maxFee?: bigint
  /** Another facilitator than the one that is served. */
  readonly url?: string
  readonly steps?: string[]
  /** How many settlements it says nothing clear about, first of all. */
  readonly unclear?: number
  /** What the chain shows of a payment where nothing clear was said. */
  readonly onChain?: FindSettlement
  /** Waited for before a payment is called verified. */
  readonly onVerify?: () => Promise<void>
}

export async function paid(
  {
    settings,
    saying = {},
    url,
    steps = [],
    maxFee = 1_000n,
    onVerify,
    unclear = 0,
    onChain,
    ...options
  }: PaidOptions = {},
  serve?: (node: TestNode) => Responder,
): Promise<{
  readonly network: PaidNetwork
  readonly facilitator: { readonly asked: string[]; readonly bodies: string[] }
}> {
  const asked: string[] = []
  const bodies: string[] = []
  const origin = await serveHttp((request, response) => {
    const path = request.url ?? ''
    asked.push(path)
    steps.push(path)
    void bodyOf(request).then(async (body) => {
      bodies.push(Buffer.from(body).toString())
      if (path === '/verify') await onVerify?.()
      if (path === '/settle' && asked.filter((one) => one === path).length <= unclear) {
        response.destroy()
        return
      }
      const said = path === '/verify' ? saying.verify : saying.settle
      const isTold = (path === '/verify' ? 'verify' : 'settle') in saying
      const usual =
        path === '/verify'
          ? { isValid: true, payer: PAYER.address }
          : { success: true, transaction: TRANSACTION, network: NETWORK, payer: PAYER.address }
      response.end(isTold ? (JSON.stringify(said) ?? 'not JSON') : JSON.stringify(usual))
    })
  })
  const network = new PaidNetwork({
    ...options,
    sponsor: {
      maxFeePerRequest: maxFee,
      accounts: NO_ACCOUNTS,
      x402: {
        facilitator: createFacilitator(url ?? origin, fetch, onChain, [0]),
        settings: {
          facilitatorUrl: origin,
          publicUrl: 'https://gateway.test',
          payTo: PAY_TO,
          chainId: 31337,
          asset: { address: ASSET, name: 'USDC', version: '2' },
          unitsPerEther: 1_000n * 10n ** 18n,
          maxAmount: 1_000_000n,
          unpaidPerDay: 1_000n,
          ...settings,
        },
      },
    },
  })
  // Of a second replica the chain and the node are there already.
  if (options.chain === undefined) network.add({}, serve)
  await network.update()
  return { network, facilitator: { asked, bodies } }
}

export function decoded(response: Response, name: string): unknown {
  const header = response.headers.get(name)
  return header === null ? null : JSON.parse(Buffer.from(header, 'base64').toString('utf8'))
}
