import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createProviderDirectory } from '../../gateway/src/discovery/provider-directory.ts'
import { startServer } from '../../gateway/src/http/server.ts'
import { openStore, StoreError } from '../../gateway/src/store/libsql-store.ts'
import { createSimulatedGpus } from '@jeju/simulator/gpu'
import { GpuVerifier, simulatedGpuTrustAnchor } from '@jeju/verifier/gpu'
import { nodeP384 } from '@jeju/verifier/node'
import { policyOf } from '../simulated-trust.ts'
import { TestNode } from './network/test-node.ts'
import { honest } from './network/test-connection.ts'
import { takesAnyGpu } from '../gpu-policy.ts'
import { jsonAnswer } from './network/signed-answer.ts'
import { TestChain } from './network/test-chain.ts'
import { codeOf, platform, TestNetwork, type NetworkOptions } from './network/test-network.ts'
import { payingNetwork } from './network/paying-network.ts'

/** No state gets too old in these tests, unless it is said. */
const AGE = { now: () => new Date(), maxAgeMs: 60_000 }

describe('discovery resumes', () => {
  const file = (): string => join(mkdtempSync(join(tmpdir(), 'jeju-gateway-')), 'store.db')

  test('from the block it stopped at', async () => {
    const path = file()
    const chain = new TestChain()
    chain.head = 5_000n
    chain.events.set(200n, [1n])
    const first = openStore(path, 'test')
    await createProviderDirectory(chain, 100n, first.discovery, AGE).refresh()
    first.close()
    chain.ranges.length = 0
    chain.head = 5_010n
    const second = openStore(path, 'test')
    const directory = createProviderDirectory(chain, 100n, second.discovery, AGE)
    await directory.refresh()
    expect(chain.ranges).toEqual([[4_988n, 5_010n]])
    expect(directory.provider(1n)).toBeDefined()
    second.close()
  })

  test('from the beginning when that block is gone', async () => {
    const path = file()
    const chain = new TestChain()
    chain.head = 3_000n
    const first = openStore(path, 'test')
    await createProviderDirectory(chain, 100n, first.discovery, AGE).refresh()
    first.close()
    chain.fork = 1
    chain.events.set(500n, [2n])
    chain.ranges.length = 0
    const second = openStore(path, 'test')
    const directory = createProviderDirectory(chain, 100n, second.discovery, AGE)
    await directory.refresh()
    expect(chain.ranges[0]?.[0]).toBe(100n)
    expect(directory.provider(2n)).toBeDefined()
    second.close()
  })

  test('F6 not with what was found in other contracts', () => {
    const path = file()
    openStore(path, 'eip155:1:0xaa').close()
    expect(() => openStore(path, 'eip155:1:0xbb')).toThrow(StoreError)
  })

  test('and pages name everybody at once', async () => {
    const chain = new TestChain()
    chain.pages.push(...Array.from({ length: 450 }, (_, id) => BigInt(id)))
    const directory = createProviderDirectory(
      chain,
      100n,
      openStore(':memory:', 'test').discovery,
      AGE,
    )
    await directory.refresh()
    expect(directory.providers()).toHaveLength(450)
  })
})

describe('K3 less at stake ends a lease', () => {
  test('a slash, or stake on its way out', async () => {
    const network = new TestNetwork()
    const node = network.add()
    await network.update()
    network.chain.providers.set(0n, node.state({ stake: 10n ** 17n - 1n }))
    network.connection.at(node.endpoint, () => Promise.reject(new Error('away')))
    await network.update()
    expect(await codeOf(await network.ask(node.bindingId))).toBe('provider_not_admitted')
    network.connection.at(node.endpoint, honest(node))
    network.pass(1)
    await network.update()
    expect((await network.ask(node.bindingId)).status).toBe(200)
  })
})

test('F8 ppid_limit, B7 platform_id_recorded: one machine stands behind so many leases and no more', async () => {
  const network = new TestNetwork({ limits: { leasesPerPlatform: 2 } })
  for (const agentId of [0n, 1n, 2n]) network.add({ agentId })
  await network.update()
  const providers = await network.providers()
  expect(providers.map(({ admitted }) => admitted)).toEqual([true, true, false])
  expect(providers[2]?.judgement?.reasons.join()).toContain('duplicate-platform')
  // Renewals do not count against themselves.
  network.pass(8)
  await network.update()
  expect((await network.providers()).filter(({ admitted }) => admitted)).toHaveLength(2)
})

test('F8 one GPU stands behind one lease', async () => {
  const gpus = createSimulatedGpus({ at: new Date(), seed: 'gateway' })
  const others = createSimulatedGpus({ at: new Date(), seed: 'gateway', first: 5 })
  const anchor = simulatedGpuTrustAnchor('test', gpus.roots)
  const network = new TestNetwork({
    policy: { ...policyOf(new TestNode(platform).td), gpu: takesAnyGpu },
    gpu: {
      judgementFor: () =>
        Promise.resolve({ verifier: new GpuVerifier(anchor, { signatures: nodeP384 }) }),
    },
  })
  network.add({ agentId: 0n, gpus })
  network.add({ agentId: 1n, gpus })
  network.add({ agentId: 2n, gpus: others })
  await network.update()
  const providers = await network.providers()
  const admitted = providers.filter(({ admitted: is }) => is)
  expect(admitted.map(({ lease }) => lease?.tier)).toEqual(['simulated', 'simulated'])
  expect(providers.at(-1)?.judgement?.reasons.join()).toContain('duplicate-gpu')
})

test('a gateway that ends takes no prompts, and lets those under way end', async () => {
  const network = new TestNetwork()
  let release: () => void = () => undefined
  const node = network.add({}, (self) =>
    honest(self, async (request) => {
      await new Promise<void>((resolve) => (release = resolve))
      return jsonAnswer(self, request, '{}')
    }),
  )
  await network.update()
  const server = await startServer(network.gateway.listener, '127.0.0.1', 0)
  const asking = network.ask(node.bindingId)
  await expect.poll(() => network.connection.prompts.length).toBe(1)
  network.gateway.drain()
  const refused = await network.ask(node.bindingId)
  expect([refused.status, await codeOf(refused)]).toEqual([503, 'draining'])
  expect((await network.request('/health')).status).toBe(503)
  release()
  expect((await asking).status).toBe(200)
  await server.close(1_000)
  await expect(fetch(`http://127.0.0.1:${server.port}/health`)).rejects.toThrow()
})

test('metrics count verdicts and leases, and hold nothing of content or host', async () => {
  const network = new TestNetwork()
  const node = network.add()
  await network.update()
  await network.ask(node.bindingId, { body: '{"secret":"prompt"}' })
  const text = await (await network.request('/metrics')).text()
  expect(text).toContain('jeju_gateway_leases 1')
  expect(text).toMatch(/jeju_gateway_prompts_total\{[^}]*outcome="verified"\} 1/)
  expect(text).toMatch(/jeju_gateway_answers_judged_total\{outcome="verified"\} 1/)
  expect(text).not.toMatch(/secret|process_|nodejs_/)
})

test.each<[string, NetworkOptions]>([
  ['that signs receipts', { receiptKey: new Uint8Array(32).fill(1) }],
  ['that does not', {}],
])('the OpenAPI document of a gateway %s names every endpoint there is', async (_name, options) => {
  const network = new TestNetwork(options)
  const { paths }: { paths: Record<string, unknown> } = await (
    await network.request('/openapi.json')
  ).json()
  const served = network.gateway.app.routes
    .filter(({ method }) => method === 'GET')
    .map(({ path }) => path.replace(/:(\w+)/g, '{$1}'))
    // A page, and what belongs to it.
    .filter((path) => !path.startsWith('/explorer'))
  expect(Object.keys(paths)).toEqual(expect.arrayContaining(served))
  expect(
    Object.keys(paths)
      .filter((path) => !served.includes(path))
      .toSorted(),
  ).toEqual([
    '/v1/chat/completions',
    '/v1/completions',
    '/v1/embeddings',
    '/v1/messages',
    '/v1/responses',
  ])
})

test('the OpenAPI document names the ways of paying that there are', async () => {
  const schemesOf = async (network: TestNetwork): Promise<readonly string[]> => {
    const { components, paths }: OpenApi = await (await network.request('/openapi.json')).json()
    const named = Object.keys(components.securitySchemes)
    const { security } = paths['/v1/completions']?.post ?? {}
    expect(security?.flatMap((one) => Object.keys(one))).toEqual(named)
    return named
  }
  expect(await schemesOf(new TestNetwork())).toEqual(['wallet'])
  expect(await schemesOf(payingNetwork({}))).toEqual(['wallet', 'accountKey', 'accountWallet'])
})

interface OpenApi {
  readonly components: { readonly securitySchemes: object }
  readonly paths: Readonly<
    Record<string, { readonly post?: { readonly security: readonly object[] } }>
  >
}
