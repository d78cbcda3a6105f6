import { SdkError } from '@jeju/sdk'
import {
  authDigest,
  feeOf,
  MAX_AUTH_LIFE_S,
  parseAuthorization,
  recoverAddress,
  type SignedRequestAuth,
} from '@jeju/verifier/protocol'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { Nonces } from '../../sdk/src/payment/nonces.ts'
import { servingDomain } from './market/deployment.ts'
import { chat, CHAT_URL, Market } from './market/market.ts'
import { refusal } from './market/test-node.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

function authorisations(market: Market): SignedRequestAuth[] {
  return market.gateway.chats.map(({ headers }) =>
    parseAuthorization(headers.get('compute-authorization') ?? ''),
  )
}

const ask = async (market: Market, members = {}, fetch = market.fetch): Promise<void> =>
  void (await (await fetch(CHAT_URL, chat(members))).text())

describe('an authorisation', () => {
  test('F14 names channel, binding, bytes and time, and is signed by the session key', async () => {
    const market = new Market()
    const before = BigInt(Math.floor(Date.now() / 1000))
    await ask(market)
    const [node] = market.nodes
    const [signed] = authorisations(market)
    const [opening] = market.chain.openings
    if (signed === undefined) throw new Error('nothing was sent')
    const { auth, signature } = signed
    expect(auth.bindingId).toBe(node.bindingId)
    expect(market.chain.channels.has(auth.channelId)).toBe(true)
    expect(recoverAddress(authDigest(auth, servingDomain), signature)).toBe(opening?.sessionKey)
    expect(auth.validUntil - before).toBeGreaterThan(0n)
    expect(auth.validUntil - before).toBeLessThan(MAX_AUTH_LIFE_S)
  })

  test('F14 auth_for_other_node_rejected', async () => {
    const market = new Market([{}, { agentId: 1n }])
    await ask(market)
    const [sent] = market.gateway.chats
    const [node, other] = market.nodes
    if (sent === undefined || other === undefined) throw new Error('nothing was sent')
    const header = sent.headers.get('compute-authorization')
    expect(other.complete(sent.body, header, market.chain).status).toBe(403)
    expect(node.complete(sent.body.slice(1), header, market.chain).status).toBe(403)
    // Its own node has served it already.
    expect(node.complete(sent.body, header, market.chain).status).toBe(409)
  })

  test('P32 nonce_unique_under_load: one clock tick, many requests, no nonce twice', async () => {
    const stopped = new Date()
    const market = new Market([{}], { now: () => stopped })
    await Promise.all(Array.from({ length: 60 }, () => ask(market)))
    const signed = authorisations(market)
    expect(new Set(signed.map(({ auth }) => auth.nonce)).size).toBe(60)
    expect(new Set(signed.map(({ salt }) => salt)).size).toBe(60)
    expect(market.eventsOf('receipt-verified')).toHaveLength(60)
  })

  test('T8 nonce_source_is_csprng', async () => {
    vi.spyOn(Math, 'random').mockImplementation(() => {
      throw new Error('Math.random is no source of nonces')
    })
    const random = vi.spyOn(globalThis.crypto, 'getRandomValues')
    const market = new Market()
    random.mockClear()
    await ask(market)
    const drawn = random.mock.results.map(({ value }) =>
      BigInt(`0x${Buffer.from(value).toString('hex')}`),
    )
    const [signed] = authorisations(market)
    expect(drawn).toContain(BigInt(signed?.salt ?? '0x0'))
    // The opener counts from zero; whoever finds a channel draws a word.
    expect(signed?.auth.nonce).toBe(0n)
    random.mockClear()
    const word = new Nonces('found').next() / 256n
    const again = random.mock.results.map(({ value }) =>
      BigInt(`0x${Buffer.from(value).toString('hex')}`),
    )
    expect(again.map((value) => value / 256n)).toContain(word)
    expect(word).toBeGreaterThan(2n ** 200n)
  })

  test('maxFee bounds input and output at the channel price, under the cap of the caller', async () => {
    const market = new Market()
    const price = { inPerMTok: 1_000_000n, outPerMTok: 1_000_000n }
    await ask(market, { max_tokens: 32 })
    await ask(market, { max_completion_tokens: 10, max_tokens: 999 })
    await ask(market, { max_tokens: 20, n: 2 })
    await ask(market, { max_tokens: null })
    await ask(market, { max_tokens: 100_000 })
    await ask(market, {}, market.fetchWith({ maxFeePerRequest: 77n }))
    const bounds = market.gateway.chats.map(({ body }) => body.length + 1024)
    const fees = authorisations(market).map(({ auth }) => auth.maxFee)
    const outputs = [32, 10, 40, 256, 256]
    expect(fees).toEqual([
      ...outputs.map((output, index) => feeOf(price, bounds[index] ?? 0, output)),
      77n,
    ])
  })
})

describe('channels', () => {
  test('one channel for many requests, also when they start together', async () => {
    const market = new Market()
    await Promise.all([ask(market), ask(market), ask(market)])
    await ask(market)
    expect(market.chain.openings).toMatchObject([
      { agentId: 0n, serviceId: 0, priceVersion: 1, amount: 10_000n },
    ])
    expect(market.eventsOf('channel-opened')).toHaveLength(1)
  })

  test('a channel that runs low is topped up before the request, and a fee is what is used up', async () => {
    const market = new Market([{}], { channelAmount: 1_300n })
    await ask(market) // locks 1300, costs 21
    expect(market.chain.topUps).toEqual([])
    for (let index = 0; index < 8; index++) await ask(market)
    expect(market.chain.topUps).toMatchObject([{ amount: 1_300n }])
  })

  test('an amount that is too small for one request is raised to what it needs', async () => {
    const market = new Market([{}], { channelAmount: 1n })
    await ask(market)
    const [signed] = authorisations(market)
    expect(market.chain.openings[0]?.amount).toBe(signed?.auth.maxFee)
  })

  test('what may still be charged for an answer without receipt stays reserved', async () => {
    const market = new Market([{}], { channelAmount: 2_000n })
    market.gateway.changeAnswer = (answer) => ({ ...answer, headers: {} })
    await expect(ask(market)).rejects.toThrow()
    market.gateway.changeAnswer = (answer) => answer
    await ask(market)
    expect(market.chain.topUps).toHaveLength(1)
  })

  test('a channel that the node refuses is read from the chain and replaced when it is closed', async () => {
    const market = new Market()
    await ask(market)
    for (const [id, channel] of market.chain.channels) {
      market.chain.channels.set(id, { ...channel, state: 'CLOSED' })
    }
    const refused = await market.fetch(CHAT_URL, chat())
    expect(refused.status).toBe(403)
    expect(refused.headers.get('x-should-retry')).toBe('false')
    await ask(market)
    expect(market.chain.openings).toHaveLength(2)
    expect(market.eventsOf('receipt-verified')).toHaveLength(2)
  })

  test('F1 what was charged behind refusals that a gateway made up is read from the chain', async () => {
    const market = new Market([{}], { channelAmount: 2_000n })
    market.gateway.changeAnswer = () => refusal(429, 'engine_busy')
    expect((await market.fetch(CHAT_URL, chat())).status).toBe(429)
    market.gateway.changeAnswer = (answer) => answer
    for (const [id, channel] of market.chain.channels) {
      market.chain.channels.set(id, { ...channel, spent: 1_900n })
    }
    await ask(market)
    expect(market.chain.topUps).toHaveLength(1)
    expect(market.eventsOf('receipt-verified')).toHaveLength(1)
  })

  test('a channel that cannot be topped up is read from the chain and replaced when it is closing', async () => {
    const market = new Market([{}], { channelAmount: 1_300n })
    await ask(market)
    const { topUp } = market.chain
    market.chain.topUp = () => Promise.reject(new SdkError('CHAIN_REVERT', 'topUp: ChannelNotOpen'))
    for (const [id, channel] of market.chain.channels) {
      market.chain.channels.set(id, { ...channel, state: 'CLOSING' })
    }
    await expect(ask(market, { max_tokens: 256 })).rejects.toMatchObject({ code: 'CHAIN_REVERT' })
    market.chain.topUp = topUp
    await ask(market)
    expect(market.chain.openings).toHaveLength(2)
  })

  test.each([0n, -1n, 2n ** 128n])('an amount of %s wei is refused', (amount) => {
    const market = new Market()
    for (const options of [{ channelAmount: amount }, { maxFeePerRequest: amount }]) {
      expect(() => market.fetchWith(options)).toThrow(
        expect.objectContaining({ code: 'CONFIG_AMOUNT' }),
      )
    }
  })
})
