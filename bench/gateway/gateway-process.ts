import { createGateway } from '@jeju/gateway'
import { createSimulatedPlatform } from '@jeju/simulator'
import { simulatedTrustAnchor } from '@jeju/verifier'
import { addressOf, randomBytes32 } from '@jeju/verifier/protocol'
import { createNonceSource } from '../../gateway/src/admission/nonce-source.ts'
import { createProviderConnection } from '../../gateway/src/admission/provider-connection.ts'
import { startServer } from '../../gateway/src/http/server.ts'
import { noLedger } from '../../gateway/src/ledger/receipt-ledger.ts'
import { createLogger } from '../../gateway/src/logging.ts'
import { createEmbeddedState } from '../../gateway/src/state/embedded-state.ts'
import { openStore } from '../../gateway/src/store/libsql-store.ts'
import { deployment, registryDomain } from '../../test/gateway/network/deployment.ts'
import { TestChain } from '../../test/gateway/network/test-chain.ts'
import { evidenceAnswer, nonceOf } from '../../test/gateway/network/test-connection.ts'
import { TestNode } from '../../test/gateway/network/test-node.ts'
import { collateralOf, policyOf } from '../../test/simulated-trust.ts'
import { channelOf, exchangeOf, SESSION_KEY } from './exchange.ts'
import { answerUsage, type Serving } from './messages.ts'

/** The gateway under test: every check on, one admitted node whose prompts go to the upstream of the bench. */

const upstream = `http://127.0.0.1:${process.argv[2] ?? ''}`
const platform = await createSimulatedPlatform({ at: new Date() })
const node = new TestNode(platform)
const chain = new TestChain()
chain.events.set(chain.head, [node.agentId])
chain.providers.set(node.agentId, node.state({ endpoint: upstream }))
const validUntil = BigInt(Math.floor(Date.now() / 1000) + 24 * 3600)
chain.bindings.set(node.bindingId, { valid: true, agentId: node.agentId, validUntil })
chain.channels.set(channelOf(node.bindingId), {
  user: `0x${'ee'.repeat(20)}`,
  agentId: node.agentId,
  serviceId: 0,
  priceVersion: 1,
  mode: 'receipt',
  state: 'open',
  sessionKey: addressOf(SESSION_KEY),
})
const connection = createProviderConnection(true)
const store = openStore(':memory:', 'bench')
const limits = {
  wallet: { requestsPerMinute: 1_000_000_000, concurrent: 10_000 },
  promptsUnderWay: 10_000,
  leasesPerPlatform: 8,
  failoverAfterMs: 60_000,
}
const gateway = createGateway(
  {
    deployment,
    policy: policyOf(node.td),
    trustAnchor: simulatedTrustAnchor('bench', platform.rootCertificateDer),
    pollIntervalMs: 2_000,
    limits,
  },
  {
    chain,
    // Evidence is made here, since the upstream has no keys; prompts go over HTTP.
    connection: {
      ...connection,
      send: async (endpoint, request) =>
        request.method === 'GET'
          ? evidenceAnswer(await node.evidence(nonceOf(request)))
          : connection.send(endpoint, request),
    },
    collateral: collateralOf(platform),
    gpu: undefined,
    store,
    shared: createEmbeddedState(store, limits.wallet, () => new Date()),
    nonces: createNonceSource(randomBytes32(), registryDomain),
    ledger: noLedger,
    logger: createLogger('warn'),
    now: () => new Date(),
  },
)
await gateway.update()
void gateway.run(new AbortController().signal)
const { port } = await startServer(gateway.listener, '127.0.0.1', 0)
answerUsage()
const serving: Serving = { port, exchange: exchangeOf(node) }
process.send?.(serving)
