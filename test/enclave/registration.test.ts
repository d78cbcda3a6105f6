import { DeploymentError } from '@jeju/contracts'
import { modelIdOf } from '@jeju/verifier/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import { GuestAgentError } from '../../enclave/src/guest-agent/guest-agent.ts'
import { buildNode, cleanUp, startNode, statusOf, TestClock, until } from './setting/start-node.ts'
import { ScriptedEngine } from './setting/scripted-engine.ts'
import { TestChain } from './setting/test-chain.ts'
import { chatBody, digestOf, errorOf } from './setting/test-client.ts'

afterAll(cleanUp)

const DAY_S = 24 * 3600

describe('the start', () => {
  test('N1 node_refuses_start_without_quote', async () => {
    const noQuote = new GuestAgentError('GUEST_AGENT_ANSWER', 'GetQuote: not the expected answer')
    const failing = buildNode({
      agent: (real) => ({ ...real, quote: () => Promise.reject(noQuote) }),
    })
    await expect(failing).rejects.toBe(noQuote)
    const chain = new TestChain(new TestClock().now)
    const noKey = new GuestAgentError('GUEST_AGENT_UNAVAILABLE', 'GetKey: nobody listens')
    await expect(
      buildNode({ chain, agent: (real) => ({ ...real, getKey: () => Promise.reject(noKey) }) }),
    ).rejects.toBe(noKey)
    expect(chain.attestations).toEqual([])
  })

  test('N15 a registry that says otherwise refuses the start: agent, endpoint, model', async () => {
    const mismatch = { code: 'REGISTRATION_MISMATCH' }
    const other = buildNode({ config: { publicUrl: 'https://elsewhere.test' } })
    await expect(other).rejects.toMatchObject(mismatch)
    await expect(buildNode({ config: { agentId: 7n } })).rejects.toMatchObject(mismatch)
    const chain = new TestChain(new TestClock().now)
    chain.modelIds.set(1, digestOf('another model'))
    await expect(buildNode({ chain, config: { serviceId: 1 } })).rejects.toMatchObject(mismatch)
    await expect(buildNode({ chain, config: { serviceId: 9 } })).rejects.toMatchObject({
      code: 'CHAIN_REFUSED',
    })
  })

  test('R16 registry_is_canonical: contracts that do not name each other refuse the start', async () => {
    const chain = new TestChain(new TestClock().now)
    chain.lookAlike = new DeploymentError('deployment: a look-alike')
    await expect(buildNode({ chain })).rejects.toBe(chain.lookAlike)
    expect(chain.calls).toEqual(['checkContracts'])
  })

  test('an unreachable chain is waited for', async () => {
    const chain = new TestChain(new TestClock().now)
    chain.down = true
    const building = buildNode({ chain })
    await until(() => chain.calls.length > 0)
    chain.down = false
    expect((await building).logs.join('')).toContain('the chain cannot be reached')
  })

  test('N5 unknown_backend_refuses_start: an engine of other weights than the service sells', async () => {
    const chain = new TestChain(new TestClock().now)
    await buildNode({ chain })
    const other = new ScriptedEngine()
    const sold = { ...other.descriptor, weights_sha256: digestOf('other weights') }
    chain.modelIds.set(1, modelIdOf(sold))
    await expect(
      buildNode({ chain, engine: other, config: { serviceId: 1 } }),
    ).rejects.toMatchObject({ code: 'REGISTRATION_MISMATCH' })
  })
})

describe('registration', () => {
  test('N17 operator_key_absent_at_runtime: the owner approves, the node attests with its own key', async () => {
    const running = await buildNode({ unapproved: true })
    const { node, chain, fetch, client } = running
    node.start()
    await until(() => running.logs.join('').includes('waiting for the owner'))
    expect(await statusOf(running)).toBe('starting')
    const refused = await fetch(client.request(chatBody()))
    expect(refused.headers.get('retry-after')).toBe('1')
    expect(await errorOf(refused)).toMatchObject({ status: 503, code: 'not_ready' })
    expect(chain.attestations).toEqual([])
    chain.approvals.add(node.bindingId)
    await until(async () => (await statusOf(running)) === 'ok')
    const [call] = chain.attestations
    expect(call?.validUntil).toBe((call?.blockNumber ?? 0n) + BigInt(DAY_S))
    await node.drain()
  })

  test('a second start does not attest again while the binding has more than half its life', async () => {
    const { chain, clock, restart } = await startNode()
    await restart()
    expect(chain.attestations).toHaveLength(1)
    clock.pass(DAY_S / 2 + 1)
    await restart()
    await until(() => chain.attestations.length === 2)
    const [first, second] = chain.attestations
    expect(second?.blockNumber).toBeGreaterThan(first?.blockNumber ?? 0n)
    expect(second?.evidenceHash).not.toBe(first?.evidenceHash)
  })

  test('a revoked binding is not attested again and serves nobody', async () => {
    const running = await startNode()
    const { chain, node, client } = running
    const binding = chain.bindings.get(node.bindingId)
    if (binding === undefined) throw new Error('not attested')
    chain.bindings.set(node.bindingId, { ...binding, valid: false, revoked: true })
    await node.drain()
    const again = await buildNode({ ...running, agent: (real) => real, config: {} })
    again.node.start()
    await until(() => again.logs.join('').includes('binding is revoked'))
    expect(await errorOf(await again.fetch(client.request(chatBody())))).toMatchObject({
      code: 'not_ready',
    })
    expect(chain.attestations).toHaveLength(1)
    await again.node.drain()
  })

  test('a binding is never asked to be longer than the registry grants', async () => {
    const chain = new TestChain(new TestClock().now)
    chain.bindingValidityS = 3600n
    const running = await buildNode({ chain })
    running.node.start()
    await until(() => chain.attestations.length === 1)
    const [call] = chain.attestations
    expect(call?.validUntil).toBe((call?.blockNumber ?? 0n) + 3600n)
    await running.node.drain()
  })

  test('faults of the chain are waited out, and leave nothing half done', async () => {
    const running = await buildNode()
    const { chain, node, logs } = running
    chain.down = true
    node.start()
    await until(() => logs.join('').includes('registration failed'))
    expect(await statusOf(running)).toBe('starting')
    chain.down = false
    await until(async () => (await statusOf(running)) === 'ok')
    expect(chain.attestations).toHaveLength(1)
    await node.drain()
  })

  test('an expired binding is no longer served, even when nobody can be asked', async () => {
    const running = await startNode()
    const { chain, clock } = running
    chain.down = true
    clock.pass(DAY_S + 1)
    expect(await statusOf(running)).toBe('starting')
    chain.down = false
  })
})
