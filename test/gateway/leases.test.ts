import { DeploymentError } from '@jeju/contracts'
import { describe, expect, test } from 'vitest'
import { answer, honest, type Responder } from './network/test-connection.ts'
import { jsonAnswer } from './network/signed-answer.ts'
import { codeOf, TestNetwork } from './network/test-network.ts'
import type { TestNode } from './network/test-node.ts'

describe('F3 revoked_node_not_routed', () => {
  test('a revoked binding ends the lease, long before its date', async () => {
    const { network, node } = await admitted()
    network.chain.bindings.set(node.bindingId, { valid: false, agentId: 0n, validUntil: 2n ** 40n })
    await network.update()
    expect(await codeOf(await network.ask(node.bindingId))).toBe('provider_not_admitted')
    expect((await network.only()).lease).toBeNull()
    expect(network.connection.prompts).toEqual([])
  })

  test('so does a provider that is switched off, sold or not bonded any more', async () => {
    const { network, node } = await admitted()
    network.chain.providers.set(0n, node.state({ active: false }))
    await network.update()
    expect((await network.ask(node.bindingId)).status).toBe(503)
    expect(await network.only()).toMatchObject({ active: false, admitted: false })
  })

  test('a provider that is off is not even asked for evidence', async () => {
    const network = new TestNetwork()
    const node = network.add()
    network.chain.providers.set(0n, node.state({ active: false }))
    await network.update()
    expect(network.connection.sent).toEqual([])
  })
})

describe('F2 lease_end_stops_traffic', () => {
  test('at the very end of ten minutes, whatever the poll does', async () => {
    const { network, node } = await admitted()
    network.connection.at(node.endpoint, withoutEvidence(node))
    network.nowMs += 10 * 60_000 - 1
    await network.update()
    expect((await network.ask(node.bindingId)).status).toBe(200)
    network.nowMs += 1
    expect((await network.ask(node.bindingId)).status).toBe(503)
    const { data }: { data: unknown[] } = await (
      await network.gateway.app.request('/v1/models')
    ).json()
    expect(data).toEqual([])
  })

  test('no lease outlives the binding on chain', async () => {
    const network = new TestNetwork()
    const node = network.add()
    const validUntil = BigInt(Math.floor(network.nowMs / 1000) + 60)
    network.chain.bindings.set(node.bindingId, { valid: true, agentId: 0n, validUntil })
    await network.update()
    expect((await network.ask(node.bindingId)).status).toBe(200)
    network.nowMs = Number(validUntil) * 1000
    expect((await network.ask(node.bindingId)).status).toBe(503)
  })

  test('no lease outlives the keyset', async () => {
    const network = new TestNetwork()
    const keysetNotAfter = Math.floor(network.nowMs / 1000) + 60
    const node = network.add({ keysetNotAfter })
    await network.update()
    expect((await network.ask(node.bindingId)).status).toBe(200)
    network.nowMs = keysetNotAfter * 1000
    expect((await network.ask(node.bindingId)).status).toBe(503)
  })

  test('a lease is renewed before its end by new evidence', async () => {
    const { network, node } = await admitted()
    network.pass(6)
    await network.update()
    expect(network.connection.sent).toHaveLength(1)
    network.pass(2)
    await network.update()
    expect(network.connection.sent).toHaveLength(2)
    network.connection.at(node.endpoint, withoutEvidence(node))
    network.pass(9)
    await network.update()
    expect((await network.ask(node.bindingId)).status).toBe(200)
  })
})

test('F2 endpoint_swap_after_verify_rejected', async () => {
  const { network, node } = await admitted()
  const elsewhere = 'https://elsewhere.test'
  network.connection.at(elsewhere, () => answer([], {}, 503))
  network.chain.providers.set(0n, node.state({ endpoint: elsewhere, endpointVersion: 2 }))
  await network.update()
  expect((await network.ask(node.bindingId)).status).toBe(503)
  expect(network.connection.prompts).toEqual([])

  // Judged again at the new endpoint, without waiting for a lease to end.
  network.connection.at(elsewhere, honest(node))
  network.pass(1)
  await network.update()
  expect((await network.ask(node.bindingId)).status).toBe(200)
  expect(network.connection.sent.at(-1)?.endpoint).toBe(elsewhere)
})

test('B11 a network fault keeps a lease that holds, and never past its end', async () => {
  const { network, node } = await admitted()
  network.connection.at(node.endpoint, withoutEvidence(node))
  network.pass(8)
  await network.update()
  expect(await network.only()).toMatchObject({
    admitted: true,
    judgement: { outcome: 'unjudged' },
  })
  expect((await network.ask(node.bindingId)).status).toBe(200)
  network.pass(2)
  await network.update()
  expect((await network.ask(node.bindingId)).status).toBe(503)
})

test('B11 an RPC service that is down keeps no lease past its end', async () => {
  const { network, node } = await admitted()
  // A channel that was never seen cannot be believed.
  expect((await network.ask(node.bindingId)).status).toBe(200)
  network.chain.down = true
  await expect(network.update()).rejects.toThrow('RPC is down')
  expect((await network.ask(node.bindingId)).status).toBe(200)
  network.pass(10)
  await expect(network.update()).rejects.toThrow('RPC is down')
  expect((await network.ask(node.bindingId)).status).toBe(503)
})

test('F3 what a service that stands still says routes nobody, however promptly it answers', async () => {
  const network = new TestNetwork()
  const node = network.add()
  await network.update()
  network.chain.behind = new DeploymentError('RPC_URL: got one of 3600 seconds ago')
  await expect(network.update()).rejects.toBe(network.chain.behind)
  expect((await network.ask(node.bindingId)).status).toBe(200)
  network.pass(2)
  await expect(network.update()).rejects.toBe(network.chain.behind)
  expect(await codeOf(await network.ask(node.bindingId))).toBe('provider_not_admitted')
  network.chain.behind = undefined
  await network.update()
  expect((await network.ask(node.bindingId)).status).toBe(200)
})

test('B11 every_error_refuses: what the chain said a minute ago routes nobody', async () => {
  const { network, node } = await admitted()
  // A channel that was never seen cannot be believed.
  expect((await network.ask(node.bindingId)).status).toBe(200)
  network.chain.down = true
  network.pass(1)
  await expect(network.update()).rejects.toThrow('RPC is down')
  expect((await network.ask(node.bindingId)).status).toBe(200)
  network.nowMs += 301
  expect(await codeOf(await network.ask(node.bindingId))).toBe('provider_not_admitted')
  expect((await network.only()).lease).toBeNull()

  // A look at the chain is enough; the evidence is as good as it was.
  network.chain.down = false
  await network.update()
  expect((await network.ask(node.bindingId)).status).toBe(200)
  expect(network.connection.sent.filter(({ request }) => request.method === 'GET')).toHaveLength(1)
})

test('a refused provider is asked less and less often', async () => {
  const network = new TestNetwork()
  network.add({}, () => () => answer([], {}, 500))
  for (let second = 0; second < 60; second++) {
    await network.update()
    network.nowMs += 1_000
  }
  // After 0, 2, 6, 14 and 30 seconds.
  expect(network.connection.sent).toHaveLength(5)
})

test('a provider whose lease is short is not asked at each poll', async () => {
  const network = new TestNetwork()
  const node = network.add()
  const validUntil = BigInt(Math.floor(network.nowMs / 1000) + 120)
  network.chain.bindings.set(node.bindingId, { valid: true, agentId: 0n, validUntil })
  for (let second = 0; second < 60; second += 2) {
    await network.update()
    network.nowMs += 2_000
  }
  expect(network.connection.sent).toHaveLength(2)
})

test('F3 a binding that cannot be read is believed for a while, and then not; the others are', async () => {
  const network = new TestNetwork()
  const unread = network.add({ agentId: 0n })
  const node = network.add({ agentId: 1n })
  await network.update()
  network.chain.unreadable.add(unread.bindingId)
  network.pass(1)
  await network.update()
  expect((await network.ask(unread.bindingId)).status).toBe(200)
  network.nowMs += 301
  await network.update()
  expect(await codeOf(await network.ask(unread.bindingId))).toBe('provider_not_admitted')
  expect((await network.ask(node.bindingId)).status).toBe(200)
  network.chain.unreadable.clear()
  await network.update()
  expect((await network.ask(unread.bindingId)).status).toBe(200)
})

test('F3 a slow provider does not delay the revocation of another', async () => {
  const { network, node } = await admitted()
  const stop = new AbortController()
  network.add({ agentId: 1n }, () => () => new Promise(() => undefined))
  const running = network.gateway.run(stop.signal)
  await expect.poll(() => network.connection.sent.length).toBe(2)
  network.chain.bindings.set(node.bindingId, { valid: false, agentId: 0n, validUntil: 0n })
  await expect.poll(async () => (await network.ask(node.bindingId)).status).toBe(503)
  stop.abort()
  await running
})

describe('F22 discovery_filters_verified_only', () => {
  test('models come from verified catalogues, not from what is written on chain', async () => {
    const network = new TestNetwork()
    network.add({ agentId: 1n, model: 'proven', offeredAs: 'claimed' })
    network.add({ agentId: 2n, model: 'unproven' }, () => () => answer([], {}, 500))
    network.add({ agentId: 3n, model: 'proven' })
    await network.update()
    const response = await network.gateway.app.request('/v1/models')
    const { data }: { data: { id: string }[] } = await response.json()
    expect(data.map(({ id }) => id)).toEqual(['proven'])
  })

  test('admitted providers come first in the list', async () => {
    const network = new TestNetwork()
    network.add({ agentId: 1n }, () => () => answer([], {}, 500))
    network.add({ agentId: 2n })
    await network.update()
    const listed = await network.providers()
    expect(listed.map(({ agentId, admitted: is }) => [agentId, is])).toEqual([
      ['2', true],
      ['1', false],
    ])
    const health = await network.gateway.app.request('/health')
    expect(await health.json()).toEqual({ status: 'ok', admitted: 1 })
  })
})

/** Takes prompts, but cannot be reached for evidence. */
function withoutEvidence(node: TestNode): Responder {
  return (request) => {
    if (request.method === 'GET') throw new Error('ECONNRESET')
    return jsonAnswer(node, request, '{}')
  }
}

async function admitted(): Promise<{
  readonly network: TestNetwork
  readonly node: ReturnType<TestNetwork['add']>
}> {
  const network = new TestNetwork()
  const node = network.add()
  await network.update()
  expect((await network.only()).admitted).toBe(true)
  return { network, node }
}
