import { createClientOn, type Client, type SdkEvent, type VerificationOptions } from '@jeju/sdk'
import { createSimulatedPlatform, type SimulatedPlatform } from '@jeju/simulator'
import { simulatedTrustAnchor } from '@jeju/verifier'
import { collateralOf, policyOf } from '../../simulated-trust.ts'
import { deployment } from './deployment.ts'
import { TestChain, USER } from './test-chain.ts'
import { TestGateway } from './test-gateway.ts'
import { TestNode, type NodeOptions } from './test-node.ts'

/** One simulated machine park for all tests of a file. */
export const platform: SimulatedPlatform = await createSimulatedPlatform({ at: new Date() })

export const GATEWAY_URL = 'https://gateway.test'

/** A chain, registered nodes, a gateway, and a verified fetch of a user. */
export class Market {
  readonly chain: TestChain = new TestChain()
  readonly nodes: readonly [TestNode, ...TestNode[]]
  readonly gateway: TestGateway
  readonly events: SdkEvent[] = []
  readonly fetch: typeof fetch

  constructor(nodes: readonly NodeOptions[] = [{}], options: Partial<VerificationOptions> = {}) {
    const [first, ...others] = nodes.map((node) =>
      new TestNode(platform, node).register(this.chain),
    )
    if (first === undefined) throw new Error('a market has a node')
    this.nodes = [first, ...others]
    this.gateway = new TestGateway(this.chain, this.nodes)
    this.fetch = this.fetchWith(options)
  }

  fetchWith(options: Partial<VerificationOptions> = {}): typeof fetch {
    return this.clientWith(options).fetch
  }

  clientWith(options: Partial<VerificationOptions> = {}): Client {
    return createClientOn(
      {
        gateway: GATEWAY_URL,
        deployment,
        trustAnchor: simulatedTrustAnchor('test', platform.rootCertificateDer),
        collateral: collateralOf(platform),
        policy: policyOf(this.nodes[0].td),
        channelAmount: 10_000n,
        maxFeePerRequest: 5_000n,
        transport: this.gateway.transport,
        onEvent: (event) => this.events.push(event),
        ...options,
      },
      {
        chain: this.chain,
        ledger: this.chain,
        account: USER,
        servicesOf: async (agentId) => this.chain.services8004.get(agentId) ?? [],
      },
    )
  }

  eventsOf<Type extends SdkEvent['type']>(type: Type): Extract<SdkEvent, { type: Type }>[] {
    return this.events.filter(
      (event): event is Extract<SdkEvent, { type: Type }> => event.type === type,
    )
  }
}

export const PROMPT = 'my secret prompt'

/** A chat request as an OpenAI client sends it. */
export function chat(
  members: Record<string, unknown> = {},
): RequestInit & { readonly body: string } {
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer unused' },
    body: JSON.stringify({
      model: 'enclave-mini',
      messages: [{ role: 'user', content: PROMPT }],
      max_tokens: 32,
      ...members,
    }),
  }
}

export const CHAT_URL = `${GATEWAY_URL}/v1/chat/completions`
