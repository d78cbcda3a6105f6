import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { launchTd } from '@jeju/simulator'
import { EVIDENCE_MEDIA_TYPE, MAX_EVIDENCE_BYTES, utf8, type Hex } from '@jeju/verifier/protocol'
import { failedChecks } from '../check-names.ts'
import {
  answer,
  evidenceAnswer,
  honest,
  nonceOf,
  type Responder,
} from './network/test-connection.ts'
import { codeOf, platform, TestNetwork } from './network/test-network.ts'
import type { TestNode } from './network/test-node.ts'

test('a node whose evidence holds is leased, and listed with every check', async () => {
  const network = new TestNetwork()
  const node = network.add({ agentId: 7n })
  await network.update()

  const listed = await network.only()
  expect(listed).toMatchObject({
    agentId: '7',
    admitted: true,
    lease: { bindingId: node.bindingId, tier: 'simulated' },
    judgement: { outcome: 'admitted', reasons: [] },
  })
  const checks = new Map(listed.judgement?.checks.map((check) => [check.name, check.status]))
  expect(checks.get('quote-signature')).toBe('passed')
  expect(checks.get('freshness')).toBe('passed')
  expect([...checks.values()]).not.toContain('failed')
  expect((await network.ask(node.bindingId)).status).toBe(200)
})

test('a tampered compose file is refused by compose-allowed and never routed', async () => {
  const network = new TestNetwork()
  const td = launchTd(platform, {
    appCompose: utf8('{"docker_compose_file":"services: {spy: {}}"}'),
  })
  const node = network.add({ td })
  await network.update()

  const { admitted, lease, judgement } = await network.only()
  expect({ admitted, lease }).toEqual({ admitted: false, lease: null })
  expect(judgement?.outcome).toBe('refused')
  expect(failedChecks(judgement)).toEqual(['compose-allowed'])
  expect(await codeOf(await network.ask(node.bindingId))).toBe('provider_not_admitted')
  expect(network.connection.prompts).toEqual([])
})

test('F11 unverified_provider_not_routed', async () => {
  const network = new TestNetwork()
  const node = network.add()
  // On chain, discovered, and not judged yet.
  const before = await network.ask(node.bindingId)
  expect([before.status, await codeOf(before)]).toEqual([503, 'provider_not_admitted'])
  await network.update()
  // A caller can name a binding, not an agent or an address.
  const other = await network.ask(`0x${'ab'.repeat(32)}`)
  expect([other.status, await codeOf(other)]).toEqual([503, 'provider_not_admitted'])
  expect(network.connection.prompts).toEqual([])
})

test('R17 chain state alone admits nobody', async () => {
  const network = new TestNetwork()
  const node = network.add({}, () => () => answer([utf8('trust me')]))
  await network.update()
  expect(await network.chain.binding(node.bindingId)).toMatchObject({ valid: true })
  expect((await network.only()).admitted).toBe(false)
  expect((await network.ask(node.bindingId)).status).toBe(503)
})

test.each([
  ['never attested', undefined],
  ['revoked', { valid: false, agentId: 0n, validUntil: 2_000_000_000n }],
  ['of another agent', { valid: true, agentId: 9n, validUntil: 2_000_000_000n }],
])('R17 evidence alone admits nobody: a binding %s', async (_case, binding) => {
  const network = new TestNetwork()
  const node = network.add()
  if (binding === undefined) network.chain.bindings.delete(node.bindingId)
  else network.chain.bindings.set(node.bindingId, binding)
  await network.update()
  expect(await network.only()).toMatchObject({
    admitted: false,
    judgement: {
      outcome: 'refused',
      reasons: ['registry: the binding is not valid on chain'],
    },
  })
  expect((await network.ask(node.bindingId)).status).toBe(503)
})

describe('B11 every_error_refuses', () => {
  const evidence = { 'content-type': EVIDENCE_MEDIA_TYPE }
  const unjudged: readonly (readonly [string, (node: TestNode) => Responder, string])[] = [
    ['a network error', () => () => Promise.reject(new TypeError('refused')), 'TypeError'],
    ['something thrown that is no error', () => () => Promise.reject('no'), 'failed'],
    ['HTTP 503', () => () => answer([], evidence, 503), 'EVIDENCE_UNAVAILABLE'],
    ['a redirect', () => () => answer([], { location: '/' }, 302), 'EVIDENCE_UNAVAILABLE'],
    [
      'another media type',
      (node) => async (request) =>
        answer([await node.evidence(nonceOf(request))], { 'content-type': 'application/cbor' }),
      'EVIDENCE_UNAVAILABLE',
    ],
    [
      'no media type',
      (node) => async (request) => answer([await node.evidence(nonceOf(request))]),
      'EVIDENCE_UNAVAILABLE',
    ],
    [
      'too many bytes',
      () => () => evidenceAnswer(new Uint8Array(MAX_EVIDENCE_BYTES + 1)),
      'EVIDENCE_UNAVAILABLE',
    ],
    ['garbage', () => () => evidenceAnswer(utf8('garbage')), 'INPUT_CBOR'],
    ['nothing', () => () => evidenceAnswer(new Uint8Array(0)), 'INPUT_CBOR'],
    [
      'a body that breaks off',
      () => () => ({
        status: 200,
        headers: evidence,
        body: broken(),
      }),
      'Error',
    ],
  ]
  test.each(unjudged)('%s', async (_name, serve, reason) => {
    const network = new TestNetwork()
    const node = network.add({}, serve)
    await network.update()
    expect(await network.only()).toMatchObject({
      admitted: false,
      lease: null,
      judgement: { outcome: 'unjudged', reasons: [reason], checks: [] },
    })
    expect((await network.ask(node.bindingId)).status).toBe(503)
    expect(network.connection.prompts).toEqual([])
  })

  test('an RPC service that is down when the binding is asked for', async () => {
    const network = new TestNetwork()
    const node = network.add({}, (self) => (request) => {
      network.chain.down = true
      return honest(self)(request)
    })
    await network.update()
    expect((await network.only()).judgement?.outcome).toBe('unjudged')
    expect((await network.ask(node.bindingId)).status).toBe(503)
  })

  test('what a provider writes into an error does not reach log or list', async () => {
    const network = new TestNetwork()
    network.add({}, () => () => Promise.reject(new Error('<script>secret</script>')))
    await network.update()
    expect(JSON.stringify(await network.providers())).not.toContain('secret')
    expect(network.log.join()).not.toContain('secret')
  })
})

test('C1 replayed_report_rejected', async () => {
  const network = new TestNetwork()
  let recorded: Uint8Array | undefined
  const node = network.add({}, (self) => async (request) => {
    recorded ??= await self.evidence(nonceOf(request))
    return evidenceAnswer(recorded)
  })
  await network.update()
  expect((await network.only()).admitted).toBe(true)

  // Same bytes for the next challenge, while the lease is due for renewal.
  network.pass(8)
  await network.update()
  const { admitted, judgement } = await network.only()
  expect(admitted).toBe(false)
  expect(failedChecks(judgement)).toEqual(['freshness'])
  expect((await network.ask(node.bindingId)).status).toBe(503)
})

test('C1 every challenge has a nonce of its own', async () => {
  const network = new TestNetwork()
  network.add({ agentId: 1n })
  network.add({ agentId: 2n })
  await network.update()
  network.pass(8)
  await network.update()
  const nonces = network.connection.sent.map(({ request }) => nonceOf(request))
  expect(new Set(nonces).size).toBe(4)
})

test('C6 sibling_bundle_rejected: evidence of another agent of the same operator', async () => {
  const network = new TestNetwork()
  const operator: Hex = `0x${'0a'.repeat(20)}`
  const sibling = network.add({ agentId: 1n, operator })
  const node = network.add({ agentId: 2n, operator }, () => honest(sibling))
  await network.update()
  const listed = await network.providers()
  const second = listed.find(({ agentId }) => agentId === '2')
  expect(second?.admitted).toBe(false)
  expect(failedChecks(second?.judgement)).toEqual(['statement-identity'])
  expect((await network.ask(node.bindingId)).status).toBe(503)
})

test('C7 same_image_other_owner_rejected', async () => {
  const network = new TestNetwork()
  const node = network.add()
  // The audited image, run for somebody who is not the agent's owner.
  const owner: Hex = `0x${'0b'.repeat(20)}`
  network.chain.providers.set(0n, node.state({ owner }))
  await network.update()
  const { admitted, judgement } = await network.only()
  expect(admitted).toBe(false)
  expect(failedChecks(judgement)).toEqual(['statement-identity'])
})

/** A body that ends with an error. */
function broken(): Readable {
  const body: Readable = new Readable({ read: () => void body.destroy(new Error('reset')) })
  return body
}
