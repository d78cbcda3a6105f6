import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { ProviderRequest } from '../../gateway/src/admission/provider-connection.ts'
import { answer, honest, type Responder } from './network/test-connection.ts'
import { jsonAnswer } from './network/signed-answer.ts'
import { codeOf, TestNetwork, type NetworkOptions } from './network/test-network.ts'
import type { TestNode } from './network/test-node.ts'

type Serve = (request: ProviderRequest, node: TestNode) => ReturnType<Responder>

const good: Serve = (request, node) => jsonAnswer(node, request, '{}')
const hang: Serve = ({ signal }) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error))
  })
const dead: Serve = () => Promise.reject(coded('ECONNREFUSED'))

describe('a node that does not answer is left for the next one within one retry', () => {
  test.each<[string, Serve]>([
    ['killed', dead],
    ['hanging', hang],
    ['busy', () => answer([], { 'retry-after': '30' }, 429)],
    ['failing', () => answer([], {}, 500)],
    ['starting', () => answer([], {}, 503)],
  ])('%s', async (_name, first) => {
    const { network, nodes } = await admitted([first, good], { limits: { failoverAfterMs: 50 } })
    const response = await network.ask(nodes.map(({ bindingId }) => bindingId))
    expect(response.status).toBe(200)
    expect(response.headers.get('compute-binding')).toBe(nodes[1]?.bindingId)
    expect(asked(network)).toEqual([nodes[0]?.endpoint, nodes[1]?.endpoint])
  })

  test('an answer that has begun takes as long as it takes, whoever else could be asked', async () => {
    const slow: Serve = (request, node) => {
      const { body, ...begun } = jsonAnswer(node, request, '{}')
      async function* late(): AsyncGenerator<Uint8Array> {
        await delay(150)
        yield* body
      }
      const arriving = Readable.from(late())
      request.signal.addEventListener('abort', () => arriving.destroy(new Error('left')))
      return { ...begun, body: arriving }
    }
    const { network, nodes } = await admitted([slow, good], { limits: { failoverAfterMs: 50 } })
    const response = await network.ask(nodes.map(({ bindingId }) => bindingId))
    expect([response.status, await response.text()]).toEqual([200, '{}'])
    expect(asked(network)).toEqual([nodes[0]?.endpoint])
  })

  test('each node sees its own authorisation and no other', async () => {
    const { network, nodes } = await admitted([dead, good])
    await network.ask(nodes.map(({ bindingId }) => bindingId))
    const seen = network.connection.prompts.map(({ headers }) => headers['compute-authorization'])
    expect(new Set(seen).size).toBe(2)
    expect(seen.every((text) => !text?.includes(','))).toBe(true)
  })

  test('a lie is not covered up by asking somebody else', async () => {
    const lie: Serve = (request, node) =>
      jsonAnswer(node, request, '{}', { content: { model: 'other' } })
    const { network, nodes } = await admitted([lie, good])
    const response = await network.ask(nodes.map(({ bindingId }) => bindingId))
    expect(await codeOf(response)).toBe('response_not_verified')
    expect(asked(network)).toEqual([nodes[0]?.endpoint])
  })

  test('a refusal of the request is the node’s word, and asked of nobody else', async () => {
    const { network, nodes } = await admitted([() => answer([], {}, 400), good])
    expect((await network.ask(nodes.map(({ bindingId }) => bindingId))).status).toBe(400)
    expect(asked(network)).toHaveLength(1)
  })

  test('allow_fallbacks false: nobody else is asked', async () => {
    const { network, nodes } = await admitted([dead, good])
    const routing = JSON.stringify({ provider: { allow_fallbacks: false } })
    const response = await network.ask(
      nodes.map(({ bindingId }) => bindingId),
      { headers: { 'compute-routing': routing } },
    )
    expect(await codeOf(response)).toBe('provider_unavailable')
    expect(asked(network)).toHaveLength(1)
  })
})

test('F11 unverified_provider_not_routed: not as a fallback either', async () => {
  const { network, nodes } = await admitted([dead, good])
  const [first, second] = nodes
  if (first === undefined || second === undefined) throw new Error('two nodes')
  network.chain.bindings.set(second.bindingId, { valid: false, agentId: 0n, validUntil: 0n })
  await network.update()
  const response = await network.ask([first.bindingId, second.bindingId])
  expect(await codeOf(response)).toBe('provider_unavailable')
  expect(asked(network)).toEqual([first.endpoint])
})

describe('one node alone', () => {
  test('that is busy is asked again when it says so', async () => {
    let times = 0
    const busy: Serve = (request, node) =>
      times++ === 0 ? answer([], { 'retry-after': '0' }, 429) : good(request, node)
    const { network, nodes } = await admitted([busy])
    expect((await network.ask(nodes[0]?.bindingId ?? '0x')).status).toBe(200)
    expect(times).toBe(2)
  })

  test('whose Retry-After is long is not waited for', async () => {
    const { network, nodes } = await admitted([() => answer([], { 'retry-after': '60' }, 503)])
    const response = await network.ask(nodes[0]?.bindingId ?? '0x')
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '60'])
    expect(asked(network)).toHaveLength(1)
  })

  test('that has used the authorisation is not asked again', async () => {
    const { network, nodes } = await admitted([() => answer([], {}, 502)])
    expect((await network.ask(nodes[0]?.bindingId ?? '0x')).status).toBe(502)
    expect(asked(network)).toHaveLength(1)
  })

  test('whose connection broke is asked once more; what it had already read is lost, not served twice', async () => {
    let times = 0
    const broken: Serve = () =>
      times++ === 0 ? Promise.reject(coded('ECONNRESET')) : answer([], {}, 409)
    const { network, nodes } = await admitted([broken])
    const response = await network.ask(nodes[0]?.bindingId ?? '0x')
    expect(await codeOf(response)).toBe('provider_unavailable')
    expect(times).toBe(2)
  })

  test('that fails three times in a row gets a pause, then one request', async () => {
    let works = false
    const flaky: Serve = (request, node) => (works ? good(request, node) : answer([], {}, 500))
    const { network, nodes } = await admitted([flaky])
    const binding = nodes[0]?.bindingId ?? '0x'
    for (let at = 0; at < 3; at++) expect((await network.ask(binding)).status).toBe(500)
    const refused = await network.ask(binding)
    expect([refused.status, await codeOf(refused)]).toEqual([502, 'provider_unavailable'])
    expect(asked(network)).toHaveLength(3)
    works = true
    network.nowMs += 5_001
    expect((await network.ask(binding)).status).toBe(200)
    expect((await network.ask(binding)).status).toBe(200)
  })
})

test('F2 a node whose lease ends while it is waited for is not asked again', async () => {
  const state: { network?: TestNetwork } = {}
  const busy: Serve = async (_request, node) => {
    // The chain revokes it between the two tries.
    const revoked = { valid: false, agentId: 0n, validUntil: 0n }
    state.network?.chain.bindings.set(node.bindingId, revoked)
    await state.network?.update()
    return answer([], { 'retry-after': '0' }, 429)
  }
  const { network, nodes } = await admitted([busy])
  state.network = network
  const response = await network.ask(nodes[0]?.bindingId ?? '0x')
  expect(await codeOf(response)).toBe('provider_not_admitted')
  expect(asked(network)).toHaveLength(1)
})

test('a node whose answers begin and break off gets its pause as one that does not answer', async () => {
  const torn: Serve = (request, node) => {
    const { body, ...begun } = jsonAnswer(node, request, '{}')
    async function* half(): AsyncGenerator<Uint8Array> {
      for await (const piece of body) {
        yield piece.subarray(0, 1)
        throw coded('ECONNRESET')
      }
    }
    return { ...begun, body: Readable.from(half()) }
  }
  const { network, nodes } = await admitted([torn])
  const binding = nodes[0]?.bindingId ?? '0x'
  for (let at = 0; at < 4; at++) expect((await network.ask(binding)).status).toBe(502)
  expect(asked(network)).toHaveLength(3)
})

async function admitted(
  serves: readonly Serve[],
  options: NetworkOptions = {},
): Promise<{ readonly network: TestNetwork; readonly nodes: readonly TestNode[] }> {
  const network = new TestNetwork(options)
  const nodes = serves.map((serve, index) =>
    network.add({ agentId: BigInt(index) }, (self) =>
      honest(self, (request) => serve(request, self)),
    ),
  )
  await network.update()
  return { network, nodes }
}

/** Where prompts went, in order. */
function asked({ connection }: TestNetwork): readonly string[] {
  return connection.sent
    .filter(({ request }) => request.method === 'POST')
    .map(({ endpoint }) => endpoint)
}

function coded(code: string): Error {
  return Object.assign(new Error(code), { code })
}
