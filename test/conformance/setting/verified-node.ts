import { createFetchOn, type ChannelOpening, type SdkEvent } from '@jeju/sdk'
import { simulatedTrustAnchor } from '@jeju/verifier'
import { modelIdOf, type Hex } from '@jeju/verifier/protocol'
import { deployment } from '../../enclave/setting/deployment.ts'
import {
  OPERATOR,
  startNode,
  thePlatform,
  type NodeSetting,
  type Running,
} from '../../enclave/setting/start-node.ts'
import { PRICE, type TestChain as NodeChain } from '../../enclave/setting/test-chain.ts'
import { TestChain, USER } from '../../sdk/market/test-chain.ts'
import { collateralOf, policyOf } from '../../simulated-trust.ts'

export const GATEWAY = 'https://gateway.test'

/** A node, and the SDK's verified fetch of a user who found it. */
export interface VerifiedNode {
  readonly running: Running
  readonly fetch: typeof fetch
  readonly events: readonly SdkEvent[]
  /** Bodies that reached the node, by path. */
  readonly sent: readonly { readonly path: string; readonly body: string }[]
}

/** The user's side of the contracts; a channel that is opened is one of the node's chain as well. */
class SharedChain extends TestChain {
  readonly #node: NodeChain

  constructor(node: NodeChain) {
    super()
    this.#node = node
  }

  override async openChannel(opening: ChannelOpening): Promise<{ channelId: Hex; hash: Hex }> {
    const opened = await super.openChannel(opening)
    const { agentId, serviceId, priceVersion, sessionKey, amount } = opening
    this.#node.channels.set(opened.channelId, {
      agentId,
      serviceId,
      priceVersion,
      sessionKey,
      mode: 'receipt',
      state: 'open',
      locked: amount,
      spent: 0n,
      closeAt: 0n,
    })
    return opened
  }
}

/** Starts a node and connects a user to it, with nothing between them that looks at a byte. */
export async function startVerifiedNode(setting: NodeSetting = {}): Promise<VerifiedNode> {
  const running = await startNode(setting)
  const descriptor = (setting.realEngine ?? running.engine).descriptor
  const { chain, td, node } = running
  const { signer } = chain.bindings.get(node.bindingId) ?? {}
  if (signer === undefined) throw new Error('the node is not registered')
  const shared = new SharedChain(chain)
  shared.providers.set(0n, { active: true, owner: OPERATOR })
  shared.offers.set(0n, [
    {
      serviceId: 0,
      modelId: modelIdOf(descriptor),
      modelName: descriptor.id,
      active: true,
      price: { ...PRICE, version: 1 },
    },
  ])
  shared.bindings.set(node.bindingId, { valid: true, agentId: 0n, signer })
  const events: SdkEvent[] = []
  const sent: { path: string; body: string }[] = []
  const transport: typeof fetch = async (input, init) => {
    const request = new Request(input, init)
    const { pathname, search } = new URL(request.url)
    if (pathname === '/v1/providers') {
      return Response.json({ providers: [{ agentId: '0', admitted: true }] })
    }
    const path = pathname.replace('/v1/providers/0/', '/v1/')
    const body = request.body === null ? null : await request.arrayBuffer()
    if (body !== null) sent.push({ path, body: new TextDecoder().decode(body) })
    const { method, headers, signal } = request
    return node.app.fetch(
      new Request(`http://node.test${path}${search}`, { method, headers, body, signal }),
    )
  }
  const platform = await thePlatform()
  const verified = createFetchOn(
    {
      gateway: GATEWAY,
      deployment,
      trustAnchor: simulatedTrustAnchor('test', platform.rootCertificateDer),
      collateral: collateralOf(platform),
      policy: policyOf(td),
      channelAmount: 10_000_000n,
      maxFeePerRequest: 200_000n,
      transport,
      onEvent: (event) => events.push(event),
    },
    { chain: shared, ledger: shared, account: USER, servicesOf: async () => [] },
  )
  return { running, fetch: verified, events, sent }
}

/** Verified receipts so far, without their proof. */
export function receiptsOf({ events }: VerifiedNode): readonly {
  readonly inputTokens: number
  readonly outputTokens: number
  readonly finish: number
}[] {
  return events.flatMap((event) =>
    event.type === 'receipt-verified' ? [event.receipt.receipt] : [],
  )
}
