import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  isAtLeast,
  objectionTo,
  parsePreferences,
  RoutingError,
  SERVICE_TIERS,
  type ServiceFacts,
} from '@jeju/verifier/routing'

const OWNER = `0x${'aB'.repeat(20)}`
const BINDING = `0x${'Cd'.repeat(32)}`

test('everything that may be said', () => {
  const stated = {
    provider: {
      order: ['0', OWNER],
      only: [BINDING],
      ignore: ['12'],
      sort: 'latency',
      max_price: { prompt: '340282366920938463463374607431768211455', completion: 7 },
      allow_fallbacks: false,
      require_parameters: true,
      quantizations: ['fp8'],
      data_collection: 'deny',
      zdr: true,
      aci_verified: true,
      aci_session_ids: ['ab'.repeat(32)],
    },
    models: ['a'],
    min_tier: 'tdx_gpu',
    features: [],
  }
  expect(parsePreferences(stated, 'body')).toEqual({
    ...stated,
    provider: {
      ...stated.provider,
      order: ['0', OWNER.toLowerCase()],
      only: [BINDING.toLowerCase()],
      max_price: { prompt: 2n ** 128n - 1n, completion: 7n },
    },
  })
  expect(parsePreferences({}, 'body')).toEqual({})
})

test.each<[string, unknown]>([
  ['body', []],
  ['body', null],
  ['route', { route: 'fallback' }],
  ['__proto__', JSON.parse('{"__proto__":{}}')],
  ['constructor', { constructor: {} }],
  ['provider', { provider: [] }],
  ['provider.preferred_max_latency', { provider: { preferred_max_latency: 1 } }],
  ['provider.only', { provider: { only: [] } }],
  ['provider.only', { provider: { only: '1' } }],
  ['provider.order.1', { provider: { order: ['1', 'me'] } }],
  ['provider.order.0', { provider: { order: [1] } }],
  ['provider.ignore.0', { provider: { ignore: ['01'] } }],
  ['provider.sort', { provider: { sort: 'Price' } }],
  ['provider.max_price', { provider: { max_price: 1 } }],
  ['provider.max_price.request', { provider: { max_price: { request: 1 } } }],
  ['provider.max_price.prompt', { provider: { max_price: { prompt: 0.5 } } }],
  ['provider.max_price.prompt', { provider: { max_price: { prompt: 2 ** 53 } } }],
  ['provider.max_price.completion', { provider: { max_price: { completion: '-1' } } }],
  ['provider.max_price.completion', { provider: { max_price: { completion: null } } }],
  ['provider.allow_fallbacks', { provider: { allow_fallbacks: 'no' } }],
  ['provider.quantizations.0', { provider: { quantizations: [''] } }],
  ['provider.data_collection', { provider: { data_collection: true } }],
  ['provider.aci_session_ids.0', { provider: { aci_session_ids: ['AB'.repeat(32)] } }],
  [
    'provider.aci_session_ids',
    { provider: { aci_verified: false, aci_session_ids: ['ab'.repeat(32)] } },
  ],
  ['models', { models: [] }],
  ['models', { models: Array.from({ length: 65 }, String) }],
  ['models.0', { models: ['x'.repeat(257)] }],
  ['min_tier', { min_tier: 'gold' }],
  ['features.0', { features: [1] }],
])('%s is refused by its name: %j', (param, value) => {
  let refused: unknown
  try {
    parsePreferences(value, 'body')
  } catch (error) {
    refused = error
  }
  expect(refused).toBeInstanceOf(RoutingError)
  expect(refused).toMatchObject({ param, message: expect.stringMatching(/^[a-z_.0-9]+: /) })
})

test('nothing but a RoutingError, whatever comes', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (provider, models) => {
      try {
        parsePreferences({ provider, models }, 'body')
      } catch (error) {
        expect(error).toBeInstanceOf(RoutingError)
      }
    }),
  )
})

describe('an objection', () => {
  const facts: ServiceFacts = {
    agentId: 3n,
    owner: OWNER.toLowerCase(),
    bindingId: BINDING.toLowerCase(),
    price: { inPerMTok: 5n, outPerMTok: 7n },
    tier: 'tdx',
    quantization: 'none',
  }
  test.each<[string | undefined, object]>([
    [undefined, {}],
    [undefined, { provider: { only: ['1', BINDING], max_price: { prompt: 5, completion: 7 } } }],
    ['min_tier', { min_tier: 'tdx_gpu' }],
    ['provider.only', { provider: { only: ['33'] } }],
    ['provider.ignore', { provider: { ignore: [OWNER] } }],
    ['provider.ignore', { provider: { only: ['3'], ignore: [BINDING] } }],
    ['provider.quantizations', { provider: { quantizations: ['int8'] } }],
    ['provider.max_price.prompt', { provider: { max_price: { prompt: 4 } } }],
    ['provider.max_price.completion', { provider: { max_price: { completion: '6' } } }],
  ])('%s by %j', (objection, stated) => {
    expect(objectionTo(facts, parsePreferences(stated, 'body'))).toBe(objection)
  })

  test('tiers are in their order', () => {
    const all = SERVICE_TIERS.map((least) => SERVICE_TIERS.map((tier) => isAtLeast(tier, least)))
    expect(all).toEqual([
      [true, true, true],
      [false, true, true],
      [false, false, true],
    ])
  })
})
