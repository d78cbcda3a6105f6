import { computeRegistryAbi, type Hex } from '@jeju/contracts'
import { encodeFunctionData, numberToHex } from 'viem'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { startChain, type LocalChain } from '../../demo/network/chain.ts'
import type { GatewayChain } from '../../gateway/src/chain/gateway-chain.ts'
import { connectChain } from '../../gateway/src/chain/viem-gateway-chain.ts'
import {
  createProviderDirectory,
  type ProviderDirectory,
} from '../../gateway/src/discovery/provider-directory.ts'
import { openStore } from '../../gateway/src/store/libsql-store.ts'
import { countingRpc, type CountingRpc } from './network/counting-rpc.ts'
import { registerAgents } from './network/registered-agents.ts'

// The directory over contracts on a real chain, through an RPC service that counts what it is asked.

const PROVIDERS = 200
let chain: LocalChain
let rpc: CountingRpc

beforeAll(async () => {
  chain = await startChain()
  rpc = await countingRpc(chain.rpcUrl)
  await registerAgents(chain, PROVIDERS)
}, 120_000)

afterEach(() => {
  rpc.fails = () => false
  rpc.drops = () => false
  rpc.requests.length = 0
})

afterAll(async () => {
  await rpc.close()
  await chain.process.stop()
})

function connected(...others: readonly string[]): GatewayChain {
  return connectChain([rpc.origin, ...others], chain.deployment)
}

function directory(on = connected()): ProviderDirectory {
  const { discovery } = openStore(':memory:', 'test')
  const block = BigInt(chain.deployment.deployedAtBlock)
  return createProviderDirectory(on, block, discovery, { now: () => new Date(), maxAgeMs: 60_000 })
}

/** Any call that reads this agent's row, with others or alone. */
function readsRowOf(agentId: bigint): (call: string) => boolean {
  const args = [agentId] as const
  const data = encodeFunctionData({ abi: computeRegistryAbi, functionName: 'providerOf', args })
  return (call) => call.includes(data.slice(2))
}

test('what the registry says of everybody', async () => {
  const found = directory()
  expect(await found.refresh()).toBe(0)
  const states = found.providers().toSorted((a, b) => Number(a.agentId - b.agentId))
  expect(states).toHaveLength(PROVIDERS)
  for (const [at, state] of states.entries()) {
    expect(state).toMatchObject({
      agentId: BigInt(at),
      active: true,
      endpoint: `https://node-${at}.test`,
      endpointVersion: 1,
      stake: 10n ** 17n,
      services: [{ serviceId: 0, modelName: `model-${at}`, price: { version: 1, inPerMTok: 5n } }],
    })
  }
})

test('T4 discovery_request_count: 200 providers, 1,400 reads, are a few HTTP requests of ten calls', async () => {
  const found = directory()
  await found.refresh()
  rpc.requests.length = 0
  await found.refresh()
  expect(found.providers()).toHaveLength(PROVIDERS)
  expect(rpc.requests.length).toBeLessThanOrEqual(24)
  expect(Math.max(...rpc.requests.map((calls) => calls.length))).toBeLessThanOrEqual(10)
  // Each of them is one that a service counts: not 1,400.
  expect(rpc.requests.flat().length).toBeLessThanOrEqual(100)
  const logs = rpc.requests.flat().filter((call) => call.includes('eth_getLogs'))
  expect(logs).toHaveLength(1)
})

test('bindings are read in as few: 200 in two requests', async () => {
  const ids = Array.from({ length: PROVIDERS }, (_, at): Hex => numberToHex(at, { size: 32 }))
  const on = connected()
  await on.blockNumber()
  rpc.requests.length = 0
  const states = await on.readBindings(ids)
  expect(states.filter((state) => state?.valid === false)).toHaveLength(PROVIDERS)
  expect(rpc.requests.length).toBeLessThanOrEqual(2)
})

test('a call that fails with others in it loses none of them', async () => {
  const on = connected()
  let failures = 0
  rpc.fails = (call) => readsRowOf(7n)(call) && failures++ === 0
  const states = await on.readProviders([5n, 6n, 7n, 8n])
  expect(failures).toBeGreaterThan(1)
  expect(states.map((state) => state?.agentId)).toEqual([5n, 6n, 7n, 8n])
})

test('a call that is not answered gives no other call its answer', async () => {
  const on = connected()
  const expected: (Hex | undefined)[] = []
  for (const block of [1n, 2n, 3n]) expected.push(await on.blockHash(block))
  let dropped = 0
  rpc.drops = (call) => call.includes('"0x1"') && dropped++ === 0
  const hashes = await Promise.all([1n, 2n, 3n].map((block) => on.blockHash(block)))
  expect(dropped).toBeGreaterThan(0)
  expect(hashes).toEqual(expected)
})

test('one that cannot be read at all is missing alone', async () => {
  rpc.fails = readsRowOf(7n)
  const found = directory()
  expect(await found.refresh()).toBe(1)
  expect(found.providers()).toHaveLength(PROVIDERS - 1)
  expect(found.provider(7n)).toBeUndefined()
})

test('what one service does not answer of a batch, the next one does', async () => {
  const other = await countingRpc(chain.rpcUrl)
  rpc.fails = (call) => call.includes('eth_call')
  const found = directory(connected(other.origin))
  expect(await found.refresh()).toBe(0)
  expect(found.providers()).toHaveLength(PROVIDERS)
  expect(other.requests.length).toBeGreaterThan(0)
  await other.close()
})

test('a service that fails throughout is not asked for everybody', async () => {
  const on = connected()
  await on.blockNumber()
  rpc.requests.length = 0
  rpc.fails = (call) => call.includes('eth_call')
  const ids = Array.from({ length: 1_000 }, (_, at) => BigInt(at))
  await expect(on.readProviders(ids)).rejects.toThrow()
  // Those of the first part, and once more as each service is.
  expect(rpc.requests.length).toBeLessThanOrEqual(12)
})
