import { DeploymentError } from '@jeju/contracts'
import { expect, test } from 'vitest'
import { createProviderDirectory } from '../../gateway/src/discovery/provider-directory.ts'
import { openStore } from '../../gateway/src/store/libsql-store.ts'
import type { GatewayStore } from '../../gateway/src/store/gateway-store.ts'
import { TestChain } from './network/test-chain.ts'
import { TestNetwork } from './network/test-network.ts'

/** No state gets too old in these tests, unless it is said. */
const AGE = { now: () => new Date(), maxAgeMs: 60_000 }

test('event queries are bounded and leave no block out', async () => {
  const chain = new TestChain()
  chain.head = 100n + 4_500n
  chain.events.set(100n, [1n])
  chain.events.set(2_099n, [2n])
  chain.events.set(2_100n, [3n])
  chain.events.set(4_600n, [4n])
  const directory = createProviderDirectory(chain, 100n, store(), AGE)
  await directory.refresh()
  expect(chain.ranges).toEqual([
    [100n, 2_099n],
    [2_100n, 4_099n],
    [4_100n, 4_600n],
  ])
  expect(directory.providers().map(({ agentId }) => agentId)).toEqual([1n, 2n, 3n, 4n])
})

test('the last blocks are read again, because a reorganisation may have changed them', async () => {
  const chain = new TestChain()
  chain.head = 200n
  const directory = createProviderDirectory(chain, 100n, store(), AGE)
  await directory.refresh()
  // Another block 195 took the place of the one that was read.
  chain.events.set(195n, [5n])
  await directory.refresh()
  expect(chain.ranges.at(-1)).toEqual([189n, 200n])
  expect(directory.provider(5n)?.agentId).toBe(5n)
})

test('a chain that became shorter is no error', async () => {
  const chain = new TestChain()
  chain.head = 200n
  const directory = createProviderDirectory(chain, 100n, store(), AGE)
  await directory.refresh()
  chain.head = 150n
  await directory.refresh()
  chain.head = 201n
  chain.events.set(201n, [5n])
  await directory.refresh()
  expect(directory.provider(5n)).toBeDefined()
})

test('blocks that come after it became shorter are read, though their numbers were read before', async () => {
  const chain = new TestChain()
  chain.head = 200n
  const directory = createProviderDirectory(chain, 100n, store(), AGE)
  await directory.refresh()
  chain.head = 150n
  chain.fork = 1
  await directory.refresh()
  chain.head = 180n
  chain.events.set(170n, [5n])
  await directory.refresh()
  expect(directory.provider(5n)).toBeDefined()
})

test('a reorganisation deeper than is read again hides nobody, also while the gateway runs', async () => {
  const chain = new TestChain()
  chain.head = 200n
  const directory = createProviderDirectory(chain, 100n, store(), AGE)
  await directory.refresh()
  // Another chain of the same height, on which somebody registered long before its end.
  chain.fork = 1
  chain.events.set(120n, [5n])
  chain.pages.push(5n)
  await directory.refresh()
  expect(directory.provider(5n)).toBeDefined()
  // Known to be the same chain again: the pages are not read each time.
  chain.pages.push(6n)
  await directory.refresh()
  expect(directory.provider(6n)).toBeUndefined()
})

test('who found no room beside a thousand is followed when one of them is off', async () => {
  const chain = new TestChain()
  const ids = Array.from({ length: 1_001 }, (_, id) => BigInt(id))
  chain.pages.push(...ids)
  const file = store()
  const node = new TestNetwork().add({ agentId: 0n })
  for (const agentId of ids) chain.providers.set(agentId, { ...node.state(), agentId })
  const directory = createProviderDirectory(chain, 100n, file, AGE)
  await directory.refresh()
  expect(directory.provider(1_000n)).toBeUndefined()
  chain.providers.set(7n, { ...node.state({ active: false }), agentId: 7n })
  await directory.refresh()
  await directory.refresh()
  expect(directory.provider(1_000n)?.active).toBe(true)
  // Those that were followed before take no place of the others after a restart either.
  const again = createProviderDirectory(chain, 100n, file, AGE)
  await again.refresh()
  await again.refresh()
  expect(again.provider(1_000n)?.active).toBe(true)
})

test('an event query that failed is made again from where it stopped', async () => {
  const chain = new TestChain()
  chain.head = 5_000n
  chain.events.set(4_000n, [5n])
  const directory = createProviderDirectory(chain, 100n, store(), AGE)
  chain.down = true
  await expect(directory.refresh()).rejects.toThrow('RPC is down')
  chain.down = false
  await directory.refresh()
  expect(directory.provider(5n)).toBeDefined()
})

test('many events in a range hide none: anybody can bring them about', async () => {
  const chain = new TestChain()
  chain.head = 5_000n
  chain.maxEvents = 10
  for (let id = 0n; id < 40n; id++) chain.events.set(1_000n + id, [id])
  chain.events.set(4_900n, [99n])
  const directory = createProviderDirectory(chain, 100n, store(), AGE)
  await directory.refresh()
  expect(directory.providers()).toHaveLength(41)
  // Large again where there is little.
  expect(chain.ranges.length).toBeLessThan(40)
})

test('one block with more events than can be had stops discovery with an error', async () => {
  const chain = new TestChain()
  chain.head = 5_000n
  chain.maxEvents = 2
  chain.events.set(150n, [1n])
  chain.events.set(200n, [2n, 3n, 4n])
  const directory = createProviderDirectory(chain, 100n, store(), AGE)
  await expect(directory.refresh()).rejects.toThrow('too many results')
  await expect(directory.refresh()).rejects.toThrow('too many results')
  // It goes on at that block, not from the start.
  const queries = chain.ranges.length
  chain.maxEvents = 3
  await directory.refresh()
  expect(chain.ranges.slice(queries).every(([from]) => from >= 180n)).toBe(true)
  expect(directory.provider(2n)).toBeDefined()
})

test('state is read anew each time, event or not', async () => {
  const network = new TestNetwork()
  const node = network.add({ agentId: 3n })
  await network.update()
  network.chain.providers.set(3n, node.state({ active: false }))
  await network.update()
  expect((await network.only()).active).toBe(false)
})

test('F3 a row that cannot be read is as it was for a while, and then nothing; the others are read', async () => {
  const network = new TestNetwork()
  const unread = network.add({ agentId: 3n })
  const node = network.add({ agentId: 4n })
  await network.update()
  network.chain.unreadable.add(3n)
  network.chain.providers.set(3n, unread.state({ active: false }))
  network.chain.providers.set(4n, node.state({ active: false }))
  network.pass(1)
  await network.update()
  const active = async (): Promise<readonly (readonly [string, boolean])[]> =>
    (await network.providers()).map(({ agentId, active: is }) => [agentId, is] as const)
  expect(await active()).toEqual([
    ['3', true],
    ['4', false],
  ])
  expect(network.log.join('')).toContain('"unread":1')
  network.nowMs += 301
  await network.update()
  expect(await active()).toEqual([['4', false]])
  network.chain.unreadable.clear()
  await network.update()
  expect(await active()).toEqual([
    ['3', false],
    ['4', false],
  ])
})

test('agent id 0 is an agent as any other', async () => {
  const network = new TestNetwork()
  const node = network.add({ agentId: 0n })
  await network.update()
  expect(await network.only()).toMatchObject({ agentId: '0', admitted: true })
  expect((await network.ask(node.bindingId)).status).toBe(200)
  const evidence = await network.gateway.app.request(
    `/v1/providers/0/attestation?nonce=${'ab'.repeat(32)}`,
  )
  expect(evidence.status).toBe(200)
})

test('F16 caches_bounded', async () => {
  const chain = new TestChain()
  chain.events.set(
    100n,
    Array.from({ length: 1_500 }, (_, id) => BigInt(id)),
  )
  const directory = createProviderDirectory(chain, 100n, store(), AGE)
  await directory.refresh()
  expect(directory.providers()).toHaveLength(1_000)
  expect(chain.stateReads).toBe(1_000)
  await directory.refresh()
  expect(directory.providers()).toHaveLength(1_000)
})

test('R16 registry_is_canonical: nobody is looked for in a registry that is not the real one', async () => {
  const network = new TestNetwork()
  network.add()
  network.chain.lookAlike = new DeploymentError('deployment: a look-alike')
  await expect(network.gateway.update()).rejects.toBe(network.chain.lookAlike)
  expect(network.chain.ranges).toEqual([])
  network.chain.lookAlike = undefined
  await network.gateway.update()
  expect(network.chain.ranges).not.toEqual([])
})

function store(): GatewayStore['discovery'] {
  return openStore(':memory:', 'test').discovery
}
