import { describe, expect, test } from 'vitest'
import { parseAciSession } from '@jeju/verifier/dialects'
import { answer, honest, type Responder } from './network/test-connection.ts'
import { jsonAnswer } from './network/signed-answer.ts'
import { codeOf, TestNetwork } from './network/test-network.ts'
import type { TestNode } from './network/test-node.ts'

interface RouteList {
  readonly data: readonly {
    readonly agentId: string
    readonly evidence: { readonly sessionId: string; readonly session: string }
  }[]
}

describe('a preference takes away whom it does not allow', () => {
  test.each<[string, object]>([
    ['provider.only', { provider: { only: ['1'] } }],
    ['provider.ignore', { provider: { ignore: ['0'] } }],
    ['provider.max_price.prompt', { provider: { max_price: { prompt: '4' } } }],
    ['provider.max_price.completion', { provider: { max_price: { completion: 6 } } }],
    ['provider.quantizations', { provider: { quantizations: ['fp8'] } }],
    ['models', { models: ['another'] }],
    ['min_tier', { min_tier: 'tdx' }],
    [
      'provider.require_parameters',
      { provider: { require_parameters: true }, features: ['tools', 'images'] },
    ],
  ])('%s', async (param, routing) => {
    const { network, node } = await admitted()
    const response = await route(network, node, routing)
    expect(response.status).toBe(412)
    expect(await response.json()).toMatchObject({ error: { code: 'no_provider_allowed', param } })
    expect(network.connection.prompts).toEqual([])
  })

  test.each<object>([
    { provider: { only: ['0'], max_price: { prompt: '5', completion: '7' } } },
    { provider: { order: ['7', '0'], sort: 'price', quantizations: ['none'] } },
    { provider: { aci_verified: true, data_collection: 'deny', zdr: true } },
    { provider: { require_parameters: true }, features: ['tools'] },
    { models: ['enclave-mini'], min_tier: 'simulated' },
  ])('%j lets it through', async (routing) => {
    const { network, node } = await admitted()
    expect((await route(network, node, routing)).status).toBe(200)
  })
})

describe('what is not known is refused by its name', () => {
  test.each<[string, string]>([
    ['provider.preferred_min_throughput', '{"provider":{"preferred_min_throughput":1}}'],
    ['provider.aci_magic', '{"provider":{"aci_magic":true}}'],
    ['min_privacy', '{"min_privacy":"tee"}'],
    ['provider.only', '{"provider":{"only":"0"}}'],
    ['provider.only.0', '{"provider":{"only":["me"]}}'],
    ['provider.max_price.prompt', '{"provider":{"max_price":{"prompt":-1}}}'],
    ['provider.aci_session_ids.0', '{"provider":{"aci_session_ids":["XX"]}}'],
    [
      'provider.aci_session_ids',
      `{"provider":{"aci_verified":false,"aci_session_ids":["${'ab'.repeat(32)}"]}}`,
    ],
    ['compute-routing', '{"min_tier":"tdx","min_tier":"simulated"}'],
    ['compute-routing', 'tdx'],
  ])('%s', async (param, header) => {
    const { network, node } = await admitted()
    const response = await network.ask(node.bindingId, { headers: { 'compute-routing': header } })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { code: 'invalid_request', param } })
    expect(network.connection.prompts).toEqual([])
  })
})

describe('a plain body may say it too', () => {
  test('and passes with its bytes as they are', async () => {
    const { network, node } = await admitted()
    const body = '{"model":"enclave-mini","messages":[],"provider":{"aci_verified":true}}'
    expect((await network.ask(node.bindingId, { body })).status).toBe(200)
    expect(network.connection.prompts[0]?.body).toEqual(Buffer.from(body))
    const refused = body.replace('"aci_verified":true', '"ignore":["0"]')
    expect(await codeOf(await network.ask(node.bindingId, { body: refused }))).toBe(
      'no_provider_allowed',
    )
  })

  test('but not with another word than the header', async () => {
    const { network, node } = await admitted()
    const body = '{"models":["enclave-mini"]}'
    const headers = { 'compute-routing': '{"min_tier":"simulated"}' }
    const response = await network.ask(node.bindingId, { body, headers })
    expect([response.status, await codeOf(response)]).toEqual([400, 'invalid_request'])
  })
})

describe('GET /v1/route', () => {
  test('names who can answer, cheapest first when asked so', async () => {
    const network = new TestNetwork()
    const nodes = [0n, 1n, 2n].map((agentId) => network.add({ agentId }))
    for (const node of nodes) {
      const [service] = node.state().services
      if (service === undefined) throw new Error('one service')
      const price = { ...service.price, inPerMTok: 9n - node.agentId }
      network.chain.providers.set(node.agentId, node.state({ services: [{ ...service, price }] }))
    }
    await network.update()
    const list = await routes(network, 'enclave-mini', { provider: { sort: 'price' } })
    expect(list.data.map(({ agentId }) => agentId)).toEqual(['2', '1', '0'])
    const ordered = await routes(network, 'enclave-mini', {
      provider: { sort: 'price', order: [nodes[1]?.operator ?? ''] },
    })
    expect(ordered.data.map(({ agentId }) => agentId)).toEqual(['1', '2', '0'])
    expect((await routes(network, 'another', {})).data).toEqual([])
  })

  test('F1 evidence stands behind each, retrievable by its own hash', async () => {
    const { network } = await admitted()
    const [first] = (await routes(network, 'enclave-mini', {})).data
    const text = await (await network.gateway.app.request(first?.evidence.session ?? '')).text()
    const session = parseAciSession(text, first?.evidence.sessionId ?? '')
    expect(session.upstreamName).toBe('agent-0')
    expect(session.evidence.length).toBeGreaterThan(1_000)
  })

  test.each(['', '?model=', '?models=x'])('%s is refused or empty', async (query) => {
    const { network } = await admitted()
    const response = await network.gateway.app.request(`/v1/route${query}`)
    expect([200, 400]).toContain(response.status)
    expect(await response.text()).not.toContain('agentId')
  })
})

describe('ACI sessions', () => {
  test('F18 pin_gate_sees_serving_instance: a pin on a current session is kept, any other is session_not_accepted', async () => {
    const { network, node } = await admitted()
    const id = (await network.only()).lease?.sessionId ?? ''
    const pin = (ids: readonly string[]) => ({ provider: { aci_session_ids: ids } })
    expect((await route(network, node, pin(['ab'.repeat(32), id]))).status).toBe(200)
    const response = await route(network, node, pin(['ab'.repeat(32)]))
    expect(response.status).toBe(412)
    expect(await response.json()).toMatchObject({ error: { type: 'session_not_accepted' } })
  })

  test('F3 superseded_session_not_listed; F19 session_outlives_citing_receipts', async () => {
    const { network, node } = await admitted()
    const first = (await network.only()).lease?.sessionId ?? ''
    network.pass(8)
    await network.update()
    const second = (await network.only()).lease?.sessionId ?? ''
    expect(second).not.toBe(first)
    const listed = await sessions(network, '')
    expect(listed.map(({ session_id }) => session_id)).toEqual([second])
    expect(listed[0]?.evidence.data).toBeUndefined()
    expect(await sessions(network, '?model=other')).toEqual([])
    expect(await sessions(network, '?upstream_name=agent-0')).toHaveLength(1)
    const old = await network.gateway.app.request(`/v1/aci/sessions/${first}`)
    expect(parseAciSession(await old.text(), first).id).toBe(first)
    const pinned = await route(network, node, { provider: { aci_session_ids: [first] } })
    expect(await codeOf(pinned)).toBe('session_not_accepted')
  })

  test('F16 caches_bounded: one under which nobody was answered is not kept for long', async () => {
    const { network, node } = await admitted()
    const answered = (await network.only()).lease?.sessionId ?? ''
    expect((await network.ask(node.bindingId)).status).toBe(200)
    network.pass(8)
    await network.update()
    const idle = (await network.only()).lease?.sessionId ?? ''
    const statusOf = async (id: string): Promise<number> =>
      (await network.gateway.app.request(`/v1/aci/sessions/${id}`)).status
    network.pass(12)
    await network.update()
    expect([await statusOf(answered), await statusOf(idle)]).toEqual([200, 200])
    network.pass(60)
    await network.update()
    expect([await statusOf(answered), await statusOf(idle)]).toEqual([200, 404])
    network.pass(7 * 24 * 60)
    await network.update()
    expect(await statusOf(answered)).toBe(404)
  })

  test.each([
    ['ab'.repeat(32), 404],
    ['AB'.repeat(32), 400],
    ['1', 400],
  ])('%s is %i', async (id, status) => {
    const { network } = await admitted()
    expect((await network.gateway.app.request(`/v1/aci/sessions/${id}`)).status).toBe(status)
  })
})

interface ListedSession {
  readonly session_id: string
  readonly evidence: { readonly data?: string }
}

async function sessions(network: TestNetwork, query: string): Promise<readonly ListedSession[]> {
  const response = await network.gateway.app.request(`/v1/aci/sessions${query}`)
  const { sessions: listed }: { sessions: readonly ListedSession[] } = await response.json()
  return listed
}

async function routes(network: TestNetwork, model: string, routing: object): Promise<RouteList> {
  const headers = { 'compute-routing': JSON.stringify(routing) }
  const response = await network.gateway.app.request(`/v1/route?model=${model}`, { headers })
  return (await response.json()) as RouteList
}

function route(network: TestNetwork, node: TestNode, routing: object): Promise<Response> {
  return network.ask(node.bindingId, { headers: { 'compute-routing': JSON.stringify(routing) } })
}

async function admitted(): Promise<{ readonly network: TestNetwork; readonly node: TestNode }> {
  const network = new TestNetwork()
  const node = network.add({}, (self) => withFeatures(self))
  await network.update()
  return { network, node }
}

/** Says that it takes tools. */
function withFeatures(node: TestNode): Responder {
  const others = honest(node, (request) => jsonAnswer(node, request, '{}'))
  const models = Buffer.from('{"data":[{"id":"enclave-mini","features":["tools"]}]}')
  return (request) => (request.path === '/v1/models' ? answer([models]) : others(request))
}
