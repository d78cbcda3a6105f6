import { NotVerified, SdkError } from '@jeju/sdk'
import { launchTd } from '@jeju/simulator'
import { intelTrustAnchor } from '@jeju/verifier'
import { decodeEvidence, encodeEvidence, utf8, type Hex } from '@jeju/verifier/protocol'
import { describe, expect, test } from 'vitest'
import { policyOf } from '../simulated-trust.ts'
import { chat, CHAT_URL, Market, platform, PROMPT } from './market/market.ts'
import { TestNode } from './market/test-node.ts'

/** The refusal of a market's one provider; nothing may have been paid or sent. */
async function refusal(market: Market, fetch = market.fetch): Promise<NotVerified> {
  const error: unknown = await fetch(CHAT_URL, chat()).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof NotVerified)) throw new Error('not refused', { cause: error })
  expect(market.gateway.chats).toHaveLength(0)
  expect(market.chain.openings).toHaveLength(0)
  expect(market.eventsOf('provider-refused')).not.toHaveLength(0)
  return error
}

describe('a provider is refused before anything is sent', () => {
  test('T2 sdk_refuses_unverified, F21 unlisted_release_rejected: an unlisted compose file, by name, with its report', async () => {
    const appCompose = utf8('{"docker_compose_file":"services: {spy: {}}"}')
    const market = new Market([{ td: launchTd(platform, { appCompose }) }])
    const fetch = market.fetchWith({ policy: policyOf(new TestNode(platform).td) })
    const error = await refusal(market, fetch)
    expect(error.failedChecks).toEqual(['compose-allowed'])
    expect(error.message).toMatch(
      /^provider not verified: agent 0: compose-allowed \(expected one of/,
    )
    expect(error.report.checks.filter(({ status }) => status === 'passed')).not.toHaveLength(0)
  })

  test('R17 sdk_ignores_onchain_tier_alone: a valid binding on chain is no evidence', async () => {
    const market = new Market()
    const [node] = market.nodes
    const elsewhere = new TestNode(platform)
    expect((await market.chain.binding(node.bindingId)).valid).toBe(true)
    market.gateway.changeEvidence = (_, __, nonce) => elsewhere.evidence(nonce)
    expect((await refusal(market)).failedChecks).toEqual(['statement-identity'])
  })

  test('R17 genuine evidence without a valid binding on chain is not enough either', async () => {
    const market = new Market()
    const [node] = market.nodes
    market.chain.bindings.delete(node.bindingId)
    expect((await refusal(market)).failedChecks).toEqual(['binding-on-chain'])
    const signer: Hex = `0x${'ab'.repeat(20)}`
    market.chain.bindings.set(node.bindingId, { valid: true, agentId: 0n, signer })
    expect((await refusal(market)).failedChecks).toEqual(['binding-on-chain'])
  })

  test('T9 unknown_tee_type_fails', async () => {
    const market = new Market()
    market.gateway.changeEvidence = (evidence) => {
      const bundle = decodeEvidence(evidence)
      const quote = bundle.quote.slice()
      quote[4] = 0x82 // tee_type of a TEE there is not
      return encodeEvidence({ ...bundle, quote })
    }
    const error = await refusal(market)
    expect(error.failedChecks).toEqual(['evidence-readable'])
    expect(error.message).toContain('QUOTE_TEE_TYPE_UNSUPPORTED')
  })

  test('evidence that is older than the nonce, of another chain, or no evidence at all', async () => {
    const market = new Market()
    const [node] = market.nodes
    const old = await node.evidence(`0x${'11'.repeat(32)}`)
    const changes: [string, () => Uint8Array][] = [
      ['freshness', () => old],
      ['evidence-readable', () => utf8('{"verified":true}')],
      ['evidence-readable', () => new Uint8Array(0)],
    ]
    for (const [check, change] of changes) {
      market.gateway.changeEvidence = change
      expect((await refusal(market)).failedChecks).toEqual([check])
    }
  })

  test('a simulated platform under the Intel root', async () => {
    const market = new Market()
    const fetch = market.fetchWith({ trustAnchor: intelTrustAnchor() })
    const { failedChecks } = await refusal(market, fetch)
    expect(failedChecks).toContain('tier')
    expect(failedChecks).toContain('pck-chain')
  })

  test('a service sold under a model id that the catalogue does not have', async () => {
    const market = new Market()
    const [service] = market.chain.offers.get(0n) ?? []
    if (service === undefined) throw new Error('no service')
    market.chain.offers.set(0n, [{ ...service, modelId: `0x${'cd'.repeat(32)}` }])
    expect((await refusal(market)).failedChecks).toEqual(['service-model'])
  })

  test('weights that the node only declares, unless the caller accepts that', async () => {
    const market = new Market([{ weightsState: 'declared' }])
    expect((await refusal(market)).failedChecks).toEqual(['weights-state'])
    const fetch = market.fetchWith({ acceptWeights: ['measured', 'declared'] })
    expect((await fetch(CHAT_URL, chat())).status).toBe(200)
  })

  test('every candidate is named when all are refused', async () => {
    const market = new Market([{}, { agentId: 1n }, { agentId: 2n }])
    market.gateway.changeEvidence = () => new Uint8Array(3)
    const error = await refusal(market)
    expect(error.refusals.map(({ agentId }) => agentId)).toEqual([0n, 1n, 2n])
  })
})

describe('candidates', () => {
  test('the cheapest verified provider is used; a refused one is passed over', async () => {
    const market = new Market([{ price: 9_000_000n }, { agentId: 1n }, { agentId: 2n, price: 2n }])
    market.gateway.changeEvidence = (evidence, node) =>
      node.agentId === 2n ? new Uint8Array(3) : evidence
    const response = await market.fetchWith({ maxFeePerRequest: 100_000n })(CHAT_URL, chat())
    await response.text()
    expect(market.eventsOf('provider-refused').map(({ agentId }) => agentId)).toEqual([2n])
    expect(market.eventsOf('receipt-verified').map(({ agentId }) => agentId)).toEqual([1n])
  })

  test('those the gateway would serve come first, so that no channel is opened for nothing', async () => {
    const market = new Market([{ price: 2n }, { agentId: 1n }])
    market.gateway.hints = [
      { agentId: '0', admitted: false },
      { agentId: '1', admitted: true },
    ]
    await (await market.fetch(CHAT_URL, chat())).text()
    expect(market.eventsOf('provider-verified').map(({ agentId }) => agentId)).toEqual([1n])
    expect(market.chain.openings).toHaveLength(1)
  })

  test('hints are only hints: inactive, unknown and unlisted agents are not asked', async () => {
    const market = new Market([{}, { agentId: 1n }])
    market.gateway.hints = [{ agentId: '1' }, { agentId: '77' }, { agentId: '0', verified: true }]
    market.chain.providers.set(0n, { active: false, owner: `0x${'00'.repeat(20)}` })
    await (await market.fetch(CHAT_URL, chat())).text()
    expect(market.eventsOf('authorised').map(({ agentId }) => agentId)).toEqual([1n])

    const only = market.fetchWith({ agents: [0n] })
    await expect(only(CHAT_URL, chat())).rejects.toMatchObject({ code: 'NO_PROVIDER' })
    const unknown = market.fetch(CHAT_URL, chat({ model: 'gpt-9' }))
    await expect(unknown).rejects.toMatchObject({ code: 'NO_PROVIDER' })
  })

  test('F22 strangers do not lengthen the list until nobody reads it', async () => {
    const market = new Market()
    const judgement = { checks: 'x'.repeat(15_000) }
    const strangers = Array.from({ length: 999 }, (_, id) => ({ agentId: `${id + 1}`, judgement }))
    market.gateway.hints = [{ agentId: '0', admitted: true }, ...strangers]
    await (await market.fetch(CHAT_URL, chat())).text()
    expect(market.eventsOf('receipt-verified')).toHaveLength(1)
  })

  test('T3 ids_beyond_2_53', async () => {
    for (const agentId of [2n ** 53n + 1n, 2n ** 256n - 1n]) {
      const market = new Market([{ agentId }])
      await (await market.fetch(CHAT_URL, chat())).text()
      expect(market.chain.openings).toMatchObject([{ agentId }])
      expect(market.eventsOf('receipt-verified')).toMatchObject([{ agentId }])
    }
  })

  test.each([
    [[{ agentId: 7 }]],
    [[{ agentId: '0x1' }]],
    [[{ agentId: '-1' }]],
    [[{ agentId: (2n ** 256n).toString() }]],
    [[{}]],
    ['none'],
  ])('T3 an id that is no decimal string is no hint: %j', async (hints) => {
    const market = new Market()
    market.gateway.hints = hints
    await expect(market.fetch(CHAT_URL, chat())).rejects.toMatchObject({ code: 'GATEWAY_ANSWER' })
  })
})

describe('F2 a verification is used while it lasts and no longer', () => {
  test('F2 lease_end_stops_traffic', async () => {
    let clock = Date.now()
    const market = new Market([{}], { now: () => new Date(clock), sessionMs: 60_000 })
    const evidenceRequests = (): number =>
      market.gateway.seen.filter(({ path }) => path.includes('/attestation')).length
    await (await market.fetch(CHAT_URL, chat())).text()
    clock += 59_000
    await (await market.fetch(CHAT_URL, chat())).text()
    expect(evidenceRequests()).toBe(1)
    clock += 2_000
    market.gateway.changeEvidence = () => new Uint8Array(3)
    await expect(market.fetch(CHAT_URL, chat())).rejects.toBeInstanceOf(NotVerified)
    expect(evidenceRequests()).toBe(2)
    expect(market.gateway.chats).toHaveLength(2)
  })

  test('F2 endpoint_swap_after_verify_rejected: the chain ends the binding at once', async () => {
    const market = new Market()
    const [node] = market.nodes
    await (await market.fetch(CHAT_URL, chat())).text()
    const binding = await market.chain.binding(node.bindingId)
    market.chain.bindings.set(node.bindingId, { ...binding, valid: false })
    await expect(market.fetch(CHAT_URL, chat())).rejects.toMatchObject({
      failedChecks: ['binding-on-chain'],
    })
    expect(market.gateway.chats).toHaveLength(1)
  })

  test('F2 a redirect does not carry the prompt elsewhere', async () => {
    const market = new Market()
    await (await market.fetch(CHAT_URL, chat())).text()
    const seen: RequestInit[] = []
    const fetch = market.fetchWith({
      transport: (input, init) => {
        seen.push(init ?? {})
        return market.gateway.transport(input, init)
      },
    })
    await (await fetch(CHAT_URL, chat())).text()
    expect(seen.map(({ redirect }) => redirect)).toEqual(['error', 'error', 'error'])
  })

  test('a failed answer ends the session', async () => {
    const market = new Market()
    market.gateway.changeAnswer = (answer) => ({ ...answer, headers: {} })
    const response = await market.fetch(CHAT_URL, chat())
    await expect(response.text()).rejects.toBeInstanceOf(NotVerified)
    market.gateway.changeAnswer = (answer) => answer
    await (await market.fetch(CHAT_URL, chat())).text()
    expect(market.eventsOf('provider-verified')).toHaveLength(2)
  })

  test('sessions last ten minutes at most', () => {
    const market = new Market()
    expect(() => market.fetchWith({ sessionMs: 600_001 })).toThrow(SdkError)
    expect(() => market.fetchWith({ sessionMs: Number.NaN })).toThrow(SdkError)
  })
})

describe('what leaves', () => {
  test('P32 T8 every verification asks with a nonce of its own', async () => {
    const market = new Market()
    market.gateway.changeEvidence = () => new Uint8Array(3)
    for (let index = 0; index < 5; index++) await refusal(market)
    const asked = market.gateway.seen.filter(({ path }) => path.includes('nonce='))
    expect(new Set(asked.map(({ path }) => path)).size).toBe(5)
  })

  test('no header of the caller, and no event that holds the prompt or a key', async () => {
    const market = new Market()
    await (await market.fetch(CHAT_URL, chat({ stream: true }))).text()
    const [sent] = market.gateway.chats
    expect([...(sent?.headers.keys() ?? [])].toSorted()).toEqual([
      'accept',
      'compute-authorization',
      'content-type',
    ])
    const told = JSON.stringify(market.events, (_, value: unknown) =>
      typeof value === 'bigint' ? value.toString() : value,
    )
    expect(told).not.toContain(PROMPT)
    expect(market.events.map(({ type }) => type)).toEqual([
      'provider-verified',
      'channel-opened',
      'authorised',
      'receipt-verified',
    ])
  })

  test.each([
    ['POST', '/v1/audio/speech'],
    ['POST', '/v1/files'],
    ['GET', '/v1/chat/completions'],
    ['POST', '/v1/chat/completions?beta=1'],
    ['PUT', '/v1/chat/completions'],
    ['GET', '/v1/files'],
  ])('%s %s is refused', async (method, path) => {
    const market = new Market()
    const init = method === 'GET' ? { method } : { ...chat(), method }
    await expect(market.fetch(`https://gateway.test${path}`, init)).rejects.toMatchObject({
      code: 'REQUEST_REFUSED',
    })
    expect(market.gateway.seen).toHaveLength(0)
  })

  test('another origin is refused; a path alone is taken at the gateway', async () => {
    const market = new Market()
    const elsewhere = market.fetch('https://evil.test/v1/chat/completions', chat())
    await expect(elsewhere).rejects.toMatchObject({ code: 'REQUEST_REFUSED' })
    expect((await market.fetch('/v1/models')).status).toBe(200)
    expect((await market.fetch('/v1/chat/completions', chat())).status).toBe(200)
  })

  test.each([
    ['not json', 'REQUEST_INVALID'],
    ['[]', 'REQUEST_INVALID'],
    ['{"messages":[]}', 'REQUEST_INVALID'],
    ['{"model":"enclave-mini","stream":"yes"}', 'REQUEST_INVALID'],
    ['{"model":"enclave-mini","max_tokens":-1}', 'REQUEST_INVALID'],
    ['{"model":"enclave-mini","n":0}', 'REQUEST_INVALID'],
    [`{"model":"enclave-mini","x":"${'a'.repeat(2 ** 20)}"}`, 'REQUEST_TOO_LARGE'],
  ])('a body that is no chat request: %#', async (body, code) => {
    const market = new Market()
    const error: unknown = await market
      .fetch(CHAT_URL, { method: 'POST', body })
      .catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code })
    expect(market.gateway.seen).toHaveLength(0)
  })

  test.each(['http://gateway.test', 'ftp://x', 'not a url', 'https://u:p@x', 'https://x/?q=1'])(
    'a gateway at %s is refused',
    (gateway) => {
      expect(() => new Market().fetchWith({ gateway })).toThrow(
        expect.objectContaining({ code: 'CONFIG_GATEWAY' }),
      )
    },
  )
})
