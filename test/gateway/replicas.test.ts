import { createClient, type RedisClientType } from '@redis/client'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { randomBytes32, toHex } from '@jeju/verifier/protocol'
import { createLogger } from '../../gateway/src/logging.ts'
import { connectRedis } from '../../gateway/src/state/redis-state.ts'
import type { SharedEvidence, SharedState } from '../../gateway/src/state/shared-state.ts'
import { policyOf } from '../simulated-trust.ts'
import { haveRedis, startRedis, type RedisServer } from '../servers/redis.ts'
import { jsonAnswer } from './network/signed-answer.ts'
import { evidenceAnswer, honest, nonceOf, type TestConnection } from './network/test-connection.ts'
import type { TestChain } from './network/test-chain.ts'
import {
  codeOf,
  LIMITS,
  platform,
  TestNetwork,
  type NetworkOptions,
} from './network/test-network.ts'
import { TestNode } from './network/test-node.ts'

const logger = createLogger('silent')
const SECRET = randomBytes32()
let server: RedisServer
let prefixes = 0

describe.runIf(haveRedis)('several replicas with a real Redis', () => {
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server.process.stop())

  test('C1 a node that one has verified is used by the other, who judges the evidence itself', async () => {
    const { a, b, connection, node } = await replicas()
    await a.update()
    await b.update()
    expect(evidenceRequests(connection)).toBe(1)
    expect((await b.only()).judgement?.checks.filter(({ status }) => status === 'failed')).toEqual(
      [],
    )
    expect((await b.ask(node.bindingId)).status).toBe(200)
    const session = async (network: TestNetwork): Promise<unknown> =>
      (await network.request('/v1/aci/sessions')).json()
    expect(await session(b)).toEqual(await session(a))
  })

  test('F2 such a lease ends when the other’s does', async () => {
    const { a, b, connection, node } = await replicas()
    await a.update()
    b.pass(5)
    await b.update()
    expect(evidenceRequests(connection)).toBe(1)
    connection.at(node.endpoint, () => Promise.reject(new Error('away')))
    b.pass(5)
    await b.update()
    expect(await codeOf(await b.ask(node.bindingId))).toBe('provider_not_admitted')
  })

  test('C1 by a policy of its own: what it does not accept there, it asks for itself and refuses', async () => {
    const { a, b, connection, node } = await replicas({
      policy: { ...policyOf(new TestNode(platform).td), composeHashes: [toHex(randomBytes32())] },
    })
    await a.update()
    await b.update()
    expect(evidenceRequests(connection)).toBe(2)
    expect((await a.only()).admitted).toBe(true)
    expect(await b.only()).toMatchObject({ admitted: false, judgement: { outcome: 'refused' } })
    expect(await codeOf(await b.ask(node.bindingId))).toBe('provider_not_admitted')
  })

  describe('C1 replayed_report_rejected: whoever writes to the store gains nothing', () => {
    const forged: readonly (readonly [string, (own: SharedEvidence) => SharedEvidence])[] = [
      [
        'a time after the nonce was drawn',
        (own) => ({ ...own, askedAtMs: own.askedAtMs + 60_000 }),
      ],
      ['another salt', (own) => ({ ...own, salt: toHex(randomBytes32()) })],
      ['another agent’s', (own) => ({ ...own, agentId: 1n })],
      ['a changed byte', (own) => ({ ...own, evidence: flipped(own.evidence) })],
      ['no evidence at all', (own) => ({ ...own, evidence: new Uint8Array(0) })],
    ]
    test.each(forged)('%s', async (_name, forge) => {
      const { a, b, connection, node, state } = await replicas()
      await a.update()
      const own = await state.evidence.find(node.agentId)
      if (own === undefined) throw new Error('shared evidence')
      const lie = forge(own)
      await state.evidence.publish({ ...lie, agentId: node.agentId })
      const isOther = lie.agentId !== node.agentId
      const meant = isOther ? b.add({ agentId: lie.agentId }) : node
      if (isOther) {
        await state.evidence.publish(lie)
        connection.at(meant.endpoint, () => Promise.reject(new Error('away')))
      }
      b.pass(2)
      const before = connection.sent.length
      await b.update()
      // Whoever the lie is about is asked itself.
      const asked = connection.sent.slice(before).map(({ endpoint }) => endpoint)
      expect(asked).toEqual([meant.endpoint])
      const admitted = (await b.providers()).filter(({ admitted: is }) => is)
      expect(admitted.map(({ agentId }) => agentId)).toEqual(['0'])
    })

    test('a replica with another secret', async () => {
      const { a, b, connection } = await replicas({ secret: randomBytes32() })
      await a.update()
      await b.update()
      expect(evidenceRequests(connection)).toBe(2)
    })
  })

  test('F2 endpoint_swap_after_verify_rejected: what was answered elsewhere is no answer of this endpoint', async () => {
    const { a, b, chain, connection, node } = await replicas()
    await a.update()
    const elsewhere = 'https://elsewhere.test'
    chain.providers.set(0n, node.state({ endpoint: elsewhere, endpointVersion: 2 }))
    await b.update()
    expect(connection.sent.at(-1)?.endpoint).toBe(elsewhere)
    expect(await b.only()).toMatchObject({ admitted: false, judgement: { outcome: 'unjudged' } })
  })

  test('F3 a wrong answer to one ends the lease of the other', async () => {
    const { a, b, connection, node } = await replicas()
    await a.update()
    await b.update()
    connection.at(
      node.endpoint,
      honest(node, (request) => jsonAnswer(node, request, '{}', { content: { model: 'other' } })),
    )
    expect(await codeOf(await a.ask(node.bindingId))).toBe('response_not_verified')
    await expect
      .poll(async () => {
        await b.update()
        return (await b.only()).admitted
      })
      .toBe(false)
    expect(await codeOf(await b.ask(node.bindingId))).toBe('provider_not_admitted')
  })

  test('poisoned_distrust_stalls_admission: what no replica can have written is nothing', async () => {
    const { a, b, node, raw, prefix } = await replicas()
    const members = [
      { value: node.bindingId, score: Number.POSITIVE_INFINITY },
      { value: toHex(randomBytes32()), score: Date.now() + 60_000 },
      { value: 'no binding', score: Date.now() + 60_000 },
    ]
    await raw.zAdd(`${prefix}:distrusted`, members)
    await a.update()
    expect((await a.only()).admitted).toBe(true)
    await raw.zAdd(`${prefix}:distrusted`, { value: node.bindingId, score: 1e15 })
    await b.update()
    expect((await b.only()).admitted).toBe(true)
    // Of bindings that nobody here routes to nothing is kept.
    expect([...b.store.distrusted.all()]).toEqual([])
  })

  test('poisoned_distrust_is_permanent: it ends with whoever writes it', async () => {
    const { a, node, raw, prefix } = await replicas()
    await raw.zAdd(`${prefix}:distrusted`, { value: node.bindingId, score: Date.now() + 3_600_000 })
    await a.update()
    expect((await a.only()).admitted).toBe(false)
    await raw.del(`${prefix}:distrusted`)
    a.pass(1)
    await a.update()
    expect((await a.only()).admitted).toBe(true)
  })

  test('poisoned_distrust_is_read_forever: no more of it is read than there can be providers', async () => {
    const { state, raw, prefix } = await replicas()
    const members = Array.from({ length: 5_000 }, () => ({
      value: toHex(randomBytes32()),
      score: Date.now() + 60_000,
    }))
    await raw.zAdd(`${prefix}:distrusted`, members)
    expect((await state.distrusted.all()).size).toBe(4_096)
  })

  test('N7 a wallet has one limit in all of them', async () => {
    const wallet = { requestsPerMinute: 3, concurrent: 9 }
    const { a, b, node } = await replicas({ limits: { wallet } }, wallet)
    await a.update()
    await b.update()
    for (const replica of [a, b, a]) expect((await replica.ask(node.bindingId)).status).toBe(200)
    const refused = await b.ask(node.bindingId)
    expect([refused.status, await codeOf(refused)]).toEqual([429, 'rate_limited'])
  })

  test('without the store each goes on with the leases it holds and judges by itself', async () => {
    const own = await startRedis()
    const { a, b, node, connection } = await replicas({}, LIMITS.wallet, own.url)
    await a.update()
    await b.update()
    await own.process.kill()
    for (const replica of [a, b]) expect((await replica.ask(node.bindingId)).status).toBe(200)
    b.pass(8)
    await b.update()
    expect(evidenceRequests(connection)).toBe(2)
    expect((await b.ask(node.bindingId)).status).toBe(200)
  })
})

/** Two replicas over one chain and one node; what is given is the second one's. */
async function replicas(
  options: NetworkOptions = {},
  wallet = LIMITS.wallet,
  url = server.url,
): Promise<{
  readonly a: TestNetwork
  readonly b: TestNetwork
  readonly chain: TestChain
  readonly connection: TestConnection
  readonly node: TestNode
  readonly state: SharedState
  /** What anybody with the password can do. */
  readonly raw: RedisClientType
  readonly prefix: string
}> {
  const prefix = `jeju:replicas:${prefixes++}`
  const open = (): SharedState => {
    const state = connectRedis({ url, prefix, limit: wallet, evidenceMs: 600_000, logger })
    onTestFinished(() => state.close())
    return state
  }
  const [first, second] = [open(), open()]
  for (const state of [first, second]) {
    await expect
      .poll(() =>
        state.distrusted.all().then(
          () => true,
          () => false,
        ),
      )
      .toBe(true)
  }
  const a = new TestNetwork({ secret: SECRET, shared: first })
  const { chain, connection } = a
  const node = a.add({}, (self) => async (request) => {
    if (request.method === 'POST') return jsonAnswer(self, request, '{}')
    return evidenceAnswer(await self.evidence(nonceOf(request)))
  })
  const b = new TestNetwork({ secret: SECRET, shared: second, chain, connection, ...options })
  b.nowMs = a.nowMs
  const raw: RedisClientType = createClient({ url })
  // Some tests end the server.
  raw.on('error', () => undefined)
  await raw.connect()
  onTestFinished(() => raw.destroy())
  return { a, b, chain, connection, node, state: second, raw, prefix }
}

function evidenceRequests({ sent }: TestConnection): number {
  return sent.filter(({ request }) => request.method === 'GET').length
}

function flipped(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const index = bytes.length >> 1
  return new Uint8Array(bytes.with(index, (bytes[index] ?? 0) ^ 1))
}
