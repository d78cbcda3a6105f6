import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { PROMPT_ENDPOINTS, type PromptPath } from '@jeju/verifier/protocol'
import { routePrompt } from '../../sdk/src/fetch/routed-prompt.ts'
import { chat, CHAT_URL, Market } from './market/market.ts'
import { routeTo } from './market/test-gateway.ts'
import { refusal } from './market/test-node.ts'

// Bodies as OpenRouter's users write them, through a client that verifies and signs itself.

const REST = '"messages":[{"role":"user","content":"a \\u0022, {b}"}],"seed":12345678901234567890'
const M = 1_000_000n
const PATHS = Object.keys(PROMPT_ENDPOINTS) as PromptPath[]

const sentTo = (market: Market): readonly bigint[] =>
  market.eventsOf('authorised').map(({ agentId }) => agentId)
const bodies = (market: Market): readonly string[] =>
  market.gateway.chats.map(({ body }) => new TextDecoder().decode(body))
const post = (body: string): RequestInit => ({ ...chat(), body })
const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text)

async function ask(market: Market, members: object, fetch = market.fetch): Promise<void> {
  const response = await fetch(CHAT_URL, chat({ ...members }))
  expect(response.status).toBe(200)
  await response.text()
}

describe('what a body says of routing is not signed and not sent', () => {
  test.each([
    `{"provider":{"sort":"price"},"model":"enclave-mini",${REST}}`,
    `{"model":"enclave-mini",${REST} , "provider" : {"ignore":["9"]}, "min_tier":"simulated" }`,
    `{"model":"enclave-mini","models":["enclave-mini"],"provider":null,${REST}}`,
    `{"models":["enclave-mini"],${REST}}`,
    `{"model":"enclave-mini","prov\\u0069der":{},${REST}}`,
  ])('%s', async (body) => {
    const market = new Market()
    const response = await market.fetch(CHAT_URL, post(body))
    // The node compares the hash that was signed with the bytes that came.
    expect(response.status).toBe(200)
    await response.text()
    expect(bodies(market)).toEqual([`{"model":"enclave-mini",${REST}}`])
    expect(market.gateway.chats[0]?.headers.has('compute-routing')).toBe(false)
  })

  test.each(PATHS)('%s: a body without any stays the same bytes', (path) => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.stringMatching(/^x[a-z]{0,9}$/),
          fc.oneof(fc.string(), fc.double({ noNaN: true, noDefaultInfinity: true })),
        ),
        fc.constantFrom(undefined, 2),
        (others, space) => {
          const body = bytes(JSON.stringify({ ...others, model: 'a' }, undefined, space))
          const prompt = routePrompt(body, path)
          expect(prompt.models).toEqual(['a'])
          expect(prompt.preferences).toEqual({})
          expect(prompt.forModel('a').body).toBe(body)
        },
      ),
    )
  })

  test.each(PATHS)('%s: with several models each is sent its own', (path) => {
    const body = bytes(`{ "stream":false, "models":["b","a"] ,"model" : "a","big":1e400}`)
    const prompt = routePrompt(body, path)
    expect(prompt.models).toEqual(['a', 'b'])
    const text = (model: string): string => new TextDecoder().decode(prompt.forModel(model).body)
    expect(text('a')).toBe('{"stream":false,"model" : "a","big":1e400}')
    expect(text('b')).toBe('{"stream":false,"model":"b","big":1e400}')
    expect(prompt.forModel('b')).toMatchObject({ path, model: 'b', stream: false })
  })
})

describe('what is not known is refused by its name, and nothing is sent', () => {
  test.each<[string, object]>([
    ['provider.data_centers', { provider: { data_centers: ['x'] } }],
    ['provider.only', { provider: { only: '0' } }],
    ['provider.max_price.image', { provider: { max_price: { image: 1 } } }],
    ['models', { models: 'enclave-mini' }],
    ['min_tier', { min_tier: 'gold' }],
    ['model', { model: undefined, provider: {} }],
    ['model', { model: 7, models: ['enclave-mini'] }],
  ])('%s', async (param, members) => {
    const market = new Market()
    const asked = market.fetch(CHAT_URL, chat({ ...members }))
    await expect(asked).rejects.toMatchObject({ code: 'REQUEST_INVALID', param })
    expect(market.gateway.seen).toEqual([])
  })

  test('E19: a member that stands twice', async () => {
    const market = new Market()
    const body = `{"model":"enclave-mini","provider":{"only":["0"]},"provider":{},${REST}}`
    await expect(market.fetch(CHAT_URL, post(body))).rejects.toMatchObject({ param: 'provider' })
  })
})

describe('a preference takes away whom it does not allow', () => {
  const nobody = `0x${'77'.repeat(32)}`
  test.each<[string, object]>([
    ['provider.only', { provider: { only: ['1'] } }],
    ['provider.only', { provider: { only: [nobody] } }],
    ['provider.ignore', { provider: { ignore: ['0'] } }],
    ['provider.max_price.prompt', { provider: { max_price: { prompt: '999999' } } }],
    ['provider.max_price.completion', { provider: { max_price: { completion: 999_999 } } }],
    ['provider.quantizations', { provider: { quantizations: ['fp8'] } }],
    ['provider.order', { provider: { order: ['1'], allow_fallbacks: false } }],
    ['provider.aci_session_ids', { provider: { aci_session_ids: ['ab'.repeat(32)] } }],
    ['min_tier', { min_tier: 'tdx' }],
  ])('%s', async (param, members) => {
    const market = new Market()
    for (const _ of ['new', 'verified before']) {
      const asked = market.fetch(CHAT_URL, chat({ ...members }))
      await expect(asked).rejects.toMatchObject({ code: 'NO_PROVIDER_ALLOWED', param })
      expect(market.gateway.chats).toHaveLength(market.eventsOf('receipt-verified').length)
      await ask(market, {})
    }
    expect(market.chain.openings).toHaveLength(1)
  })

  test('and lets through what all of them allow, by every name', async () => {
    const market = new Market([{ quantization: 'q8_0' }])
    const { operator, bindingId } = market.nodes[0]
    for (const name of ['0', operator, bindingId.toUpperCase().replace('0X', '0x')]) {
      const price = M.toString()
      await ask(market, {
        provider: {
          only: [name],
          order: [name],
          ignore: ['5', nobody],
          allow_fallbacks: false,
          max_price: { prompt: price, completion: price },
          quantizations: ['q8_0'],
          aci_verified: true,
          data_collection: 'deny',
          zdr: true,
        },
        min_tier: 'simulated',
      })
    }
    expect(sentTo(market)).toEqual([0n, 0n, 0n])
    expect(market.eventsOf('provider-verified')).toHaveLength(1)
    expect(market.gateway.seen.every(({ path }) => !path.startsWith('/v1/route'))).toBe(true)
  })
})

describe('who is tried first', () => {
  const three = (): Market =>
    new Market([
      { agentId: 0n, price: 2n * M },
      { agentId: 1n, price: 3n * M },
      { agentId: 2n, price: M },
    ])

  test('the cheapest, though another is verified already', async () => {
    const market = three()
    await ask(market, { provider: { only: ['1'] } })
    await ask(market, {})
    await ask(market, { provider: { sort: 'price' } })
    expect(sentTo(market)).toEqual([1n, 1n, 2n])
  })

  test('those of order, by owner and binding', async () => {
    const market = three()
    const [, second, third] = market.nodes
    await ask(market, { provider: { order: [second?.operator], sort: 'price' } })
    await ask(market, { provider: { order: [third?.bindingId, '0'] } })
    expect(sentTo(market)).toEqual([1n, 2n])
  })

  test.each(['latency', 'throughput'])('by %s whom the gateway names first', async (sort) => {
    const market = three()
    const asked: (string | null)[] = []
    market.gateway.route = (_model, routing) => {
      asked.push(routing)
      return routeTo([1n, 9n, 0n])
    }
    await ask(market, { provider: { sort, only: ['1', '0'] } })
    expect(sentTo(market)).toEqual([1n])
    // Whom a client allows is nobody else's business.
    expect(asked.map((text) => JSON.parse(text ?? ''))).toEqual([{ provider: { sort } }])
  })

  test('the next that is allowed, where one does not take it', async () => {
    const market = three()
    market.gateway.changeAnswer = (answer, { agentId }) =>
      agentId === 2n ? refusal(503, 'provider_unavailable') : answer
    await ask(market, { provider: { ignore: ['0'] } })
    expect(sentTo(market)).toEqual([2n, 1n])
  })

  test.each<[readonly number[], object]>([
    [[2], {}],
    [[0, 1], { order: ['0', '1'] }],
  ])('allow_fallbacks false: %j and nobody else', async (agents, others) => {
    const market = three()
    market.gateway.changeAnswer = () => refusal(503, 'provider_unavailable')
    const provider = { allow_fallbacks: false, ...others }
    const response = await market.fetch(CHAT_URL, chat({ provider }))
    expect(response.status).toBe(503)
    expect(sentTo(market).map(Number)).toEqual(agents)
  })
})

describe('models are tried in their order', () => {
  const two = (): Market =>
    new Market([
      { agentId: 0n, model: 'small' },
      { agentId: 1n, model: 'large', price: 2n * M },
    ])
  const models = (market: Market): readonly unknown[] =>
    bodies(market).map((body) => (JSON.parse(body) as { model: unknown }).model)

  test('the named one first, then the first that somebody has', async () => {
    const market = two()
    await ask(market, { model: 'nobody-has-it', models: ['large', 'small'] })
    await ask(market, { model: 'small', models: ['large'] })
    await ask(market, { model: undefined, models: ['large', 'small'], provider: {} })
    expect(models(market)).toEqual(['large', 'small', 'large'])
    // One question for all models of a prompt.
    expect(market.gateway.seen.filter(({ path }) => path === '/v1/providers')).toHaveLength(3)
  })

  test('the next where nobody of the first is allowed, or takes it', async () => {
    const market = two()
    const price = { max_price: { prompt: M.toString() } }
    await ask(market, { models: ['large', 'small'], model: undefined, provider: price })
    market.gateway.changeAnswer = (answer, { agentId }) =>
      agentId === 1n ? refusal(503, 'draining') : answer
    await ask(market, { model: 'large', models: ['small'] })
    expect(models(market)).toEqual(['small', 'large', 'small'])
  })

  test('none of them; the chain is read once for all', async () => {
    const market = two()
    const services = vi.spyOn(market.chain, 'services')
    const asked = market.fetch(CHAT_URL, chat({ model: 'a', models: ['b'] }))
    await expect(asked).rejects.toMatchObject({
      code: 'NO_PROVIDER',
      message: expect.stringContaining('a or b'),
    })
    expect(services).toHaveBeenCalledTimes(2)
  })
})

describe('require_parameters', () => {
  const tools = { provider: { require_parameters: true }, tools: [{ type: 'function' }] }

  test('leaves out whom the gateway does not name for what the body uses', async () => {
    const market = new Market([{}, { agentId: 1n }])
    const asked: unknown[] = []
    market.gateway.route = (_model, routing) => {
      asked.push(JSON.parse(routing ?? ''))
      return routeTo([1n])
    }
    await ask(market, tools)
    expect(sentTo(market)).toEqual([1n])
    expect(asked).toEqual([{ provider: { require_parameters: true }, features: ['tools'] }])
    market.gateway.route = () => refusal(412, 'no_provider_allowed')
    await expect(market.fetch(CHAT_URL, chat(tools))).rejects.toMatchObject({
      code: 'NO_PROVIDER_ALLOWED',
      param: 'provider.require_parameters',
    })
    market.gateway.route = () => refusal(500, 'internal_error')
    await expect(market.fetch(CHAT_URL, chat(tools))).rejects.toMatchObject({
      code: 'GATEWAY_ANSWER',
    })
  })

  test('asks nobody for a body that uses nothing a node may lack', async () => {
    const market = new Market()
    await ask(market, { provider: { require_parameters: true } })
    expect(market.gateway.seen.some(({ path }) => path.startsWith('/v1/route'))).toBe(false)
  })
})
