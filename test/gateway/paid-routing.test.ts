import { describe, expect, test } from 'vitest'
import { parseAuthorization, requestHash, utf8 } from '@jeju/verifier/protocol'
import { membersOf, usedFeatures } from '@jeju/verifier/routing'
import { readPrompt } from '../../gateway/src/sponsor/read-prompt.ts'
import { jsonAnswer } from './network/signed-answer.ts'
import { answer, honest, type Responder } from './network/test-connection.ts'
import { codeOf } from './network/test-network.ts'
import type { TestNode } from './network/test-node.ts'
import { paying, payingNetwork, type PayingNetwork } from './network/paying-network.ts'

// Bodies as OpenRouter's users write them, to a gateway that pays.

const REST =
  '"messages":[{"role":"user","content":"a \\u0022, {b} [c]"}],"seed":12345678901234567890'

describe('what is for the gateway does not reach the node, which would refuse it', () => {
  test.each([
    ['before', `{"provider":{"sort":"price"},"model":"enclave-mini",${REST}}`],
    ['after', `{"model":"enclave-mini",${REST} , "provider" : {"order":["0"],"ignore":["9"]} }`],
    ['among the rest', `{"model":"enclave-mini","models":["enclave-mini"],${REST}}`],
  ])('%s', async (_where, body) => {
    const { network } = await paying()
    expect((await network.withKey(body)).status).toBe(200)
    const [sent] = network.connection.prompts
    expect(Buffer.from(sent?.body ?? []).toString()).toBe(`{"model":"enclave-mini",${REST}}`)
    // What was signed for is what was sent.
    const { auth, salt } = parseAuthorization(String(sent?.headers['compute-authorization']))
    const path = '/v1/chat/completions'
    expect(auth.requestHash).toBe(requestHash(salt, 'POST', path, sent?.body ?? new Uint8Array()))
  })

  test('a body without it passes as it is', async () => {
    const { network } = await paying()
    const body = `{ "model" : "enclave-mini",${REST} }\n`
    await network.withKey(body)
    expect(network.connection.prompts[0]?.body).toEqual(Buffer.from(body))
  })

  test.each([
    ['provider', '{"model":"enclave-mini","provider":{},"provider":{"only":["7"]}}'],
    ['model', '{"model":"a","model":"enclave-mini","models":["b"]}'],
  ])('%s that stands twice is refused', async (param, body) => {
    const { network } = await paying()
    const response = await network.withKey(body)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { code: 'invalid_request', param } })
  })

  test('a preference holds as in the header', async () => {
    const { network } = await paying()
    const tier = (name: string): Promise<Response> =>
      network.withKey(`{"model":"enclave-mini","min_tier":"${name}",${REST}}`)
    expect((await tier('simulated')).status).toBe(200)
    expect(await codeOf(await tier('tdx'))).toBe('no_provider_allowed')
    expect(await codeOf(await tier('gold'))).toBe('invalid_request')
    network.connection.sent.length = 0
    const body = `{"model":"enclave-mini","provider":{"ignore":["0"]},${REST}}`
    expect(await codeOf(await network.withKey(body))).toBe('no_provider_allowed')
    const wrong = body.replace('"ignore"', '"ignored"')
    expect((await (await network.withKey(wrong)).json()) as unknown).toMatchObject({
      error: { code: 'invalid_request', param: 'provider.ignored' },
    })
    expect(network.connection.prompts).toEqual([])
  })
})

describe('models are tried in their order', () => {
  test('the named one first, each node asked for its own', async () => {
    const { network } = await two()
    const body = `{"model":"nobody-has-it","models":["large","small"],${REST}}`
    const response = await network.withKey(body)
    expect([response.status, await response.text()]).toEqual([200, '{"from":"large"}'])
    expect(sentModels(network)).toEqual(['large'])
    await network.withKey(`{"model":"small","models":["large"],${REST}}`)
    expect(sentModels(network).at(-1)).toBe('small')
  })

  test('without a named one, too', async () => {
    const { network } = await two()
    expect((await network.withKey(`{"models":["small","large"],${REST}}`)).status).toBe(200)
    expect(sentModels(network)).toEqual(['small'])
  })

  test('the next model answers where the first’s nodes do not', async () => {
    const { network } = await two(() => answer([], {}, 500))
    const response = await network.withKey(`{"models":["large","small"],${REST}}`)
    expect(await response.text()).toBe('{"from":"small"}')
    expect(sentModels(network)).toEqual(['large', 'small'])
  })

  test('what bounds the price is as long as what is sent, and made without it', () => {
    const body = Buffer.from(
      `{ "model" : "a","models":["bb","\\u00fcü\\""],"max_tokens":7,${REST}}`,
    )
    const models = ['bb', 'üü"']
    const prompt = readPrompt(body, '/v1/chat/completions', {}, { models })
    expect(prompt.models).toEqual(['a', ...models])
    for (const model of prompt.models) {
      const sent = prompt.forModel(model)
      const { maxTokens, body: bound } = prompt.boundsWith(model)
      expect([maxTokens, bound.length]).toEqual([sent.maxTokens, sent.body.length])
      expect(JSON.parse(Buffer.from(sent.body).toString())).toMatchObject({ model, max_tokens: 7 })
    }
  })

  test('no model at all is refused', async () => {
    const { network } = await two()
    expect(await codeOf(await network.withKey(`{"provider":{},${REST}}`))).toBe('invalid_request')
  })
})

describe('allow_fallbacks false', () => {
  test.each([
    ['the first alone', {}, 1],
    ['those that order names', { order: ['1', '0'] }, 2],
    ['the one that order names', { order: ['1'] }, 1],
  ])('%s', async (_name, others, times) => {
    const network = payingNetwork({})
    for (const agentId of [0n, 1n, 2n]) {
      network.add({ agentId }, (self) => honest(self, () => answer([], {}, 500)))
    }
    await network.update()
    const provider = JSON.stringify({ allow_fallbacks: false, ...others })
    await network.withKey(`{"model":"enclave-mini","provider":${provider},${REST}}`)
    expect(network.connection.prompts).toHaveLength(times)
  })

  test('nobody where order names nobody who is there', async () => {
    const { network } = await paying()
    const provider = '{"allow_fallbacks":false,"order":["7"]}'
    const response = await network.withKey(`{"model":"enclave-mini","provider":${provider}}`)
    expect(await response.json()).toMatchObject({
      error: { code: 'no_provider_allowed', param: 'provider.order' },
    })
  })
})

test('require_parameters is about what the body uses', async () => {
  const { network } = await paying({}, (self) => {
    const others = honest(self)
    const models = Buffer.from('{"data":[{"id":"enclave-mini","features":["json"]}]}')
    return (request) => (request.path === '/v1/models' ? answer([models]) : others(request))
  })
  const provider = '"provider":{"require_parameters":true}'
  const tools = `{"model":"enclave-mini",${provider},"tools":[{"type":"function"}],"messages":[]}`
  expect((await (await network.withKey(tools)).json()) as unknown).toMatchObject({
    error: { code: 'no_provider_allowed', param: 'provider.require_parameters' },
  })
  const json = `{"model":"enclave-mini",${provider},"response_format":{"type":"json_object"},"messages":[]}`
  expect((await network.withKey(json)).status).toBe(200)
})

test.each<[string, object, readonly string[]]>([
  ['/v1/completions', { logprobs: 2 }, ['completions', 'logprobs']],
  ['/v1/embeddings', {}, ['embeddings']],
  [
    '/v1/chat/completions',
    { messages: [{ content: [{ type: 'image_url' }] }], presence_penalty: 1, logprobs: false },
    ['images', 'penalties'],
  ],
  [
    '/v1/responses',
    { input: [{ content: [{ type: 'input_image' }] }], text: { format: { type: 'json_schema' } } },
    ['images', 'json_schema'],
  ],
  ['/v1/messages', { messages: ['x', null], tools: [], frequency_penalty: 0 }, []],
])('%s %j uses %j', (path, body, features) => {
  expect(usedFeatures(path as '/v1/messages', { ...body })).toEqual(features)
})

test.each<[string, readonly string[]]>([
  ['{}', []],
  [' { } ', []],
  ['{"a":1}', ['"a":1']],
  [
    '{"a":"}","b":["]",{"c":","}],"d" : -1.50e+3 }',
    ['"a":"}"', '"b":["]",{"c":","}]', '"d" : -1.50e+3'],
  ],
  ['{"\\"a":"\\\\","b":"\\"}"}', ['"\\"a":"\\\\"', '"b":"\\"}"']],
])('members of %s', (text, members) => {
  expect(membersOf(text).map((member) => member.text)).toEqual(members)
})

/** One node of each model; the large one serves as told. */
async function two(large?: Responder): Promise<{ readonly network: PayingNetwork }> {
  const network = payingNetwork({})
  const serve = (name: string) => (self: TestNode) =>
    honest(self, (request) => jsonAnswer(self, request, `{"from":"${name}"}`))
  network.add({ agentId: 0n, model: 'small' }, serve('small'))
  network.add(
    { agentId: 1n, model: 'large' },
    large === undefined ? serve('large') : (self) => honest(self, large),
  )
  await network.update()
  return { network }
}

function sentModels({ connection }: PayingNetwork): readonly string[] {
  return connection.prompts.map(({ body }) => {
    const { model } = JSON.parse(Buffer.from(body ?? utf8('{}')).toString()) as { model: string }
    return model
  })
}
