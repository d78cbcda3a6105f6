import { describe, expect, test } from 'vitest'
import { evidenceAnswer, nonceOf } from './network/test-connection.ts'
import { authorizationFor, channelOf, codeOf, TestNetwork, WALLET } from './network/test-network.ts'
import type { TestNode } from './network/test-node.ts'

const STRANGER = new Uint8Array(32).fill(0x55)
const BODY = '{"model":"enclave-mini","messages":[]}'

describe('F14 auth_for_other_node_rejected', () => {
  test.each<[string, number, string, (node: TestNode) => string]>([
    [
      'by a stranger’s key',
      401,
      'authorization_invalid',
      (node) => authorizationFor(node.bindingId, BODY, {}, STRANGER),
    ],
    [
      'for other bytes',
      401,
      'request_hash_mismatch',
      (node) => authorizationFor(node.bindingId, `${BODY} `),
    ],
    [
      'that has ended',
      401,
      'authorization_expired',
      (node) => authorizationFor(node.bindingId, BODY, { validUntil: 1n }),
    ],
    [
      'of a channel that is not there',
      402,
      'channel_unusable',
      (node) => authorizationFor(node.bindingId, BODY, { channelId: `0x${'99'.repeat(32)}` }),
    ],
    [
      'twice for one binding',
      401,
      'authorization_invalid',
      (node) => `${authorizationFor(node.bindingId)}, ${authorizationFor(node.bindingId)}`,
    ],
  ])('%s', async (_name, status, code, header) => {
    const { network, node } = await admitted()
    const headers = { 'compute-authorization': header(node) }
    const response = await network.ask(node.bindingId, { headers })
    expect([response.status, await codeOf(response)]).toEqual([status, code])
    expect(network.connection.prompts).toEqual([])
  })

  test.each([
    ['with another agent', { agentId: 7n }],
    ['for vouchers', { mode: 'voucher' as const }],
    ['that is closed', { state: 'closed' as const }],
  ])('a channel %s', async (_name, changes) => {
    const { network, node } = await admitted()
    const other = network.add({ agentId: 7n })
    expect(other.agentId).toBe(7n)
    const channel = network.chain.channels.get(channelOf(node.bindingId))
    if (channel === undefined) throw new Error('a channel')
    network.chain.channels.set(channelOf(node.bindingId), { ...channel, ...changes })
    const response = await network.ask(node.bindingId)
    expect([response.status, await codeOf(response)]).toEqual([402, 'channel_unusable'])
    expect(network.connection.prompts).toEqual([])
  })

  test('of two wallets at once', async () => {
    const { network, node } = await admitted()
    const other = network.add({ agentId: 1n })
    await network.update()
    const channel = network.chain.channels.get(channelOf(other.bindingId))
    if (channel === undefined) throw new Error('a channel')
    const user = `0x${'dd'.repeat(20)}` as const
    network.chain.channels.set(channelOf(other.bindingId), { ...channel, user })
    const response = await network.ask([node.bindingId, other.bindingId])
    expect(await codeOf(response)).toBe('authorization_invalid')
  })
})

test('a channel is read once, and again when a session key was replaced', async () => {
  const { network, node } = await admitted()
  for (let at = 0; at < 5; at++) expect((await network.ask(node.bindingId)).status).toBe(200)
  expect(network.chain.channelReads).toBe(1)
  const channel = network.chain.channels.get(channelOf(node.bindingId))
  if (channel === undefined) throw new Error('a channel')
  const sessionKey = '0x1234567890123456789012345678901234567890'
  network.chain.channels.set(channelOf(node.bindingId), { ...channel, sessionKey })
  network.nowMs += 30_001
  expect(await codeOf(await network.ask(node.bindingId))).toBe('authorization_invalid')
  // Strangers do not make the chain be read for every request.
  for (let at = 0; at < 5; at++) await network.ask(node.bindingId)
  expect(network.chain.channelReads).toBe(2)
})

test('N7 rate_limit_retry_after: by wallet, whatever its channels', async () => {
  const network = new TestNetwork({ limits: { wallet: { requestsPerMinute: 3, concurrent: 9 } } })
  const nodes = [network.add(), network.add({ agentId: 1n })]
  await network.update()
  const [first, second] = nodes.map(({ bindingId }) => bindingId)
  if (first === undefined || second === undefined) throw new Error('two nodes')
  for (const binding of [first, second, first]) {
    expect((await network.ask(binding)).status).toBe(200)
  }
  const refused = await network.ask(second)
  expect([refused.status, await codeOf(refused)]).toEqual([429, 'rate_limited'])
  expect(refused.headers.get('retry-after')).toBe('20')
  network.nowMs += 20_000
  expect((await network.ask(second)).status).toBe(200)
  expect(WALLET).toHaveLength(42)
})

test('N7 prompts under way are bounded, of one wallet and of all', async () => {
  const limits = { wallet: { requestsPerMinute: 100, concurrent: 1 }, promptsUnderWay: 2 }
  const network = new TestNetwork({ limits })
  const held: (() => void)[] = []
  const node = network.add({}, (self) => async (request) => {
    if (request.method === 'GET') return evidenceAnswer(await self.evidence(nonceOf(request)))
    await new Promise<void>((resolve) => held.push(resolve))
    throw new Error('ended')
  })
  await network.update()
  const first = network.ask(node.bindingId)
  await expect.poll(() => held.length).toBe(1)
  expect(await codeOf(await network.ask(node.bindingId))).toBe('rate_limited')
  held[0]?.()
  expect((await first).status).toBe(502)
})

async function admitted(): Promise<{ readonly network: TestNetwork; readonly node: TestNode }> {
  const network = new TestNetwork()
  const node = network.add()
  await network.update()
  return { network, node }
}
