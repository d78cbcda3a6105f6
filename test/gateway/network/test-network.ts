import { createGateway, type Gateway } from '@jeju/gateway'
import { createSimulatedPlatform, type SimulatedPlatform } from '@jeju/simulator'
import { simulatedTrustAnchor, type AppraisalPolicy } from '@jeju/verifier'
import { encodeAuthorization, type Hex } from '@jeju/verifier/protocol'
import type { ProviderConnection } from '../../../gateway/src/admission/provider-connection.ts'
import { createLogger } from '../../../gateway/src/logging.ts'
import type { ProviderDocument } from '../../../gateway/src/routes/provider-document.ts'
import { collateralOf, policyOf } from '../../simulated-trust.ts'
import { deployment } from './deployment.ts'
import { TestChain } from './test-chain.ts'
import { honest, TestConnection, type Responder } from './test-connection.ts'
import { TestNode, type NodeOptions } from './test-node.ts'

/** One simulated machine park for all tests of a file. */
export const platform: SimulatedPlatform = await createSimulatedPlatform({ at: new Date() })

/** A chain, endpoints, a clock that only tests move, and a gateway over them. */
export class TestNetwork {
  readonly chain: TestChain = new TestChain()
  readonly connection: TestConnection = new TestConnection()
  readonly gateway: Gateway
  /** Lines the gateway logged. */
  readonly log: string[] = []
  nowMs: number = Date.now()

  constructor(
    policy: AppraisalPolicy = policyOf(new TestNode(platform).td),
    connection?: ProviderConnection,
  ) {
    this.gateway = createGateway(
      {
        deployment,
        policy,
        trustAnchor: simulatedTrustAnchor('test', platform.rootCertificateDer),
        pollIntervalMs: 100,
      },
      {
        chain: this.chain,
        connection: connection ?? this.connection,
        collateral: collateralOf(platform, () => new Date(this.nowMs)),
        logger: createLogger('info', { write: (line) => void this.log.push(line) }),
        now: () => new Date(this.nowMs),
      },
    )
  }

  /** Registers a node on chain; it serves honestly unless told otherwise. */
  add(options: NodeOptions = {}, serve: (node: TestNode) => Responder = honest): TestNode {
    const node = new TestNode(platform, options)
    this.register(node)
    this.connection.at(node.endpoint, serve(node))
    return node
  }

  /** Row, valid binding for a day, and the event that leads to it. */
  register(node: TestNode): void {
    const { agentId, bindingId } = node
    this.chain.head += 1n
    this.chain.events.set(this.chain.head, [agentId])
    this.chain.providers.set(agentId, node.state())
    const validUntil = BigInt(Math.floor(this.nowMs / 1000) + 24 * 3600)
    this.chain.bindings.set(bindingId, { valid: true, agentId, validUntil })
  }

  update(): Promise<void> {
    return this.gateway.update()
  }

  pass(minutes: number): void {
    this.nowMs += minutes * 60_000
  }

  async providers(): Promise<readonly ProviderDocument[]> {
    const response = await this.gateway.app.request('/v1/providers')
    const { providers }: { providers: readonly ProviderDocument[] } = await response.json()
    return providers
  }

  async only(): Promise<ProviderDocument> {
    const [provider, ...others] = await this.providers()
    if (provider === undefined || others.length > 0) throw new Error('expected one provider')
    return provider
  }

  async ask(bindingId: Hex, init: RequestInit = {}): Promise<Response> {
    const { headers, ...others } = init
    return this.gateway.app.request('/v1/chat/completions', {
      method: 'POST',
      body: '{"model":"enclave-mini","messages":[]}',
      ...others,
      headers: {
        'content-type': 'application/json',
        'compute-authorization': authorizationFor(bindingId),
        ...Object.fromEntries(new Headers(headers)),
      },
    })
  }
}

/** Well formed; whether it pays is the node's question. */
export function authorizationFor(bindingId: Hex): string {
  return encodeAuthorization({
    auth: {
      channelId: `0x${'c1'.repeat(32)}`,
      nonce: 1n,
      bindingId,
      requestHash: `0x${'a1'.repeat(32)}`,
      maxFee: 1_000n,
      validUntil: 1_900_000_000n,
    },
    salt: `0x${'5a'.repeat(32)}`,
    signature: `0x${'00'.repeat(65)}`,
  })
}

/** Code of an error document. */
export async function codeOf(response: Response): Promise<string> {
  const { error }: { error: { code: string } } = await response.json()
  return error.code
}
