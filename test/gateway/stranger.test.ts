import { createSimulatedPlatform, servePcs } from '@jeju/simulator'
import {
  EVIDENCE_MEDIA_TYPE,
  modelIdOf,
  sha256,
  toHex,
  type ContractDomain,
  type Hex,
} from '@jeju/verifier/protocol'
import { createTestClient, http, publicActions } from 'viem'
import { foundry } from 'viem/chains'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startChain, type LocalChain } from '../../demo/network/chain.ts'
import { startGateway, type GatewayProcess } from '../../demo/network/gateway.ts'
import { waitFor } from '../../demo/network/process.ts'
import type { ProviderDocument } from '../../gateway/src/routes/provider-document.ts'
import { policyOf } from '../simulated-trust.ts'
import { stranger, type Stranger, type StrangersNode } from './network/stranger.ts'
import { TestNode } from './network/test-node.ts'
import { startHttp } from './network/upstream.ts'

// A gateway process that is told a chain and nothing else, contracts on a real chain, and a provider that nobody of
// ours has registered. Tests run in order.

const WAIT = { timeoutMs: 30_000 }
const ends: (() => Promise<void>)[] = []
let chain: LocalChain
let gateway: GatewayProcess
let script: Stranger
let serve: (agentId: bigint) => Promise<StrangersNode>

beforeAll(async () => {
  const platform = await createSimulatedPlatform({ at: new Date() })
  const pcs = await servePcs(platform, { at: () => new Date() })
  ends.push(() => pcs.close())
  chain = await startChain()
  ends.push(() => chain.process.stop())
  const { td } = new TestNode(platform)
  const account = chain.account(1)
  const registry: ContractDomain = {
    chainId: BigInt(chain.chainId),
    verifyingContract: chain.deployment.computeRegistry,
  }
  script = stranger(account, foundry, chain.rpcUrl, chain.deployment)
  serve = async (agentId) => {
    const operator = account.address.toLowerCase() as Hex
    const node = new TestNode(platform, { agentId, operator, td, registry })
    const server = await startHttp(async (request, response) => {
      const nonce = new URL(request.url ?? '', 'http://node').searchParams.get('nonce')
      response.setHeader('content-type', EVIDENCE_MEDIA_TYPE)
      response.end(await node.evidence(`0x${nonce ?? ''}`))
    })
    ends.push(() => server.close())
    return {
      endpoint: server.origin,
      statement: node.statement,
      bindingId: node.bindingId,
      signerKey: toHex(node.signerKey),
      evidenceHash: toHex(sha256(await node.evidence(`0x${'00'.repeat(32)}`))),
      modelId: modelIdOf(node.model),
      modelName: node.model.id,
    }
  }
  // Nothing of GPUs is asked for here.
  const urls = { collateral: pcs.url, rims: pcs.url, ocsp: pcs.url }
  const settings = { POLL_INTERVAL_MS: '200' }
  gateway = await startGateway(chain, policyOf(td), platform, urls, 'nvidia', settings)
  ends.push(() => gateway.process.stop())
}, 120_000)

afterAll(async () => {
  for (const end of ends.toReversed()) await end()
}, 60_000)

test('a provider registered by a stranger’s script is found by any gateway', async () => {
  expect(await providers()).toEqual([])
  const agentId = await script.mint()
  const node = await serve(agentId)
  await script.register(agentId, node)
  const found = await listed('admitted', ({ admitted }) => admitted)
  expect(found).toMatchObject({
    agentId: agentId.toString(),
    endpoint: node.endpoint,
    stake: (10n ** 17n).toString(),
    services: [{ model: node.modelName, inPerMTok: '5', outPerMTok: '7' }],
    lease: { bindingId: node.bindingId, tier: 'simulated' },
    judgement: { outcome: 'admitted' },
  })
  const { data } = await get<{ data: readonly { bindingId: string }[] }>(
    `/v1/route?model=${node.modelName}`,
  )
  expect(data.map(({ bindingId }) => bindingId)).toEqual([node.bindingId])
}, 60_000)

test('an endpoint that a reorganisation takes back is routed to no more', async () => {
  const { endpoint, agentId } = await listed('listed', () => true)
  const block = await snapshot()
  const elsewhere = await serve(BigInt(agentId))
  await script.changeEndpoint(BigInt(agentId), elsewhere.endpoint)
  const changed = await listed('moved', (one) => one.endpoint === elsewhere.endpoint)
  expect(changed.admitted).toBe(false)
  await block.reorganise()
  const back = await listed('admitted at its place', (one) => one.admitted)
  expect(back.endpoint).toBe(endpoint)
}, 60_000)

test('a registration that a reorganisation takes back is no provider, until it is made again', async () => {
  const before = await snapshot()
  const agentId = await script.mint()
  await script.register(agentId, await serve(agentId))
  const isSecond = (one: ProviderDocument): boolean => one.agentId === agentId.toString()
  await listed('a second', (one) => isSecond(one) && one.active)
  await before.reorganise()
  await listed('off', (one) => isSecond(one) && !one.active && !one.admitted)
  // On the other chain the same block numbers have another registration.
  const again = await script.mint()
  expect(again).toBe(agentId)
  const node = await serve(again)
  await script.register(again, node)
  const found = await listed('active again', (one) => isSecond(one) && one.active)
  expect(found.endpoint).toBe(node.endpoint)
}, 60_000)

async function get<Answer>(path: string): Promise<Answer> {
  return (await (await fetch(`${gateway.url}${path}`)).json()) as Answer
}

async function providers(): Promise<readonly ProviderDocument[]> {
  return (await get<{ providers: readonly ProviderDocument[] }>('/v1/providers')).providers
}

function listed(
  what: string,
  is: (provider: ProviderDocument) => boolean,
): Promise<ProviderDocument> {
  return waitFor(`a provider ${what}`, async () => (await providers()).find(is), {
    ...WAIT,
    running: gateway.process,
  })
}

/** The chain as it is now, to which it can be taken back; another block follows then, as on another fork. */
async function snapshot(): Promise<{ readonly reorganise: () => Promise<void> }> {
  const anvil = createTestClient({
    chain: foundry,
    mode: 'anvil',
    transport: http(chain.rpcUrl),
  }).extend(publicActions)
  const id = await anvil.snapshot()
  return {
    reorganise: async () => {
      const { number } = await anvil.getBlock()
      await anvil.revert({ id })
      const { number: now } = await anvil.getBlock()
      await anvil.increaseTime({ seconds: 1 })
      await anvil.mine({ blocks: Number(number - now) })
    },
  }
}
