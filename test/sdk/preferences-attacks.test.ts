import { describe, expect, test } from 'vitest'
import { SdkError } from '@jeju/sdk'
import type { Hex } from '@jeju/verifier/protocol'
import { chat, CHAT_URL, Market } from './market/market.ts'
import { routeTo } from './market/test-gateway.ts'
import { refusal } from './market/test-node.ts'

const M = 1_000_000n

const sentTo = (market: Market): readonly bigint[] =>
  market.eventsOf('authorised').map(({ agentId }) => agentId)

async function ask(market: Market, members: object, fetch = market.fetch): Promise<void> {
  const response = await fetch(CHAT_URL, chat({ ...members }))
  expect(response.status).toBe(200)
  await response.text()
}

describe('F1: a gateway cannot make a client break its preferences', () => {
  const refused = async (market: Market, members: object, param: string): Promise<void> => {
    const asked = market.fetch(CHAT_URL, chat({ ...members }))
    await expect(asked).rejects.toMatchObject({ code: 'NO_PROVIDER_ALLOWED', param })
    expect(market.gateway.chats).toEqual([])
    expect(market.chain.openings).toEqual([])
  }

  test('that names none but those that are ignored, dear or of another name', async () => {
    const market = new Market([{ price: 9n * M }, { agentId: 1n }])
    market.gateway.hints = [{ agentId: '0', admitted: true, owner: market.nodes[1]?.operator }]
    market.gateway.route = () => routeTo([0n])
    const sort = 'latency'
    await refused(market, { provider: { ignore: ['0'], sort } }, 'provider.ignore')
    const owner = market.nodes[1]?.operator
    await refused(market, { provider: { only: [owner], sort } }, 'provider.only')
    await refused(
      market,
      { provider: { sort, max_price: { prompt: M.toString() } } },
      'provider.max_price.prompt',
    )
    await refused(market, { min_tier: 'tdx_gpu', provider: { sort } }, 'min_tier')
    // Who is named by his id needs no gateway to be found.
    await ask(market, { provider: { only: ['1'], sort } })
    expect(sentTo(market)).toEqual([1n])
  })

  test('that puts one of them first', async () => {
    const market = new Market([{ price: 9n * M }, { agentId: 1n }, { agentId: 2n }])
    market.gateway.route = () => routeTo([0n, 2n, 1n])
    const provider = { sort: 'latency', ignore: ['2'], max_price: { completion: M.toString() } }
    await ask(market, { provider })
    expect(sentTo(market)).toEqual([1n])
  })

  test('that hands out evidence of a binding that is not wanted', async () => {
    // Two nodes of one agent and owner: the chain has both bindings, the gateway chooses whose evidence it gives.
    const operator: Hex = `0x${'0e'.repeat(20)}`
    const market = new Market([{ operator }, { operator }])
    const [given, wanted] = market.nodes
    if (wanted === undefined) throw new Error('two nodes')
    expect(given.bindingId).not.toBe(wanted.bindingId)
    await refused(market, { provider: { only: [wanted.bindingId] } }, 'provider.only')
    await refused(market, { provider: { ignore: [given.bindingId] } }, 'provider.ignore')
    const provider = { order: [wanted.bindingId], allow_fallbacks: false }
    await refused(market, { provider }, 'provider.order')
    // The one that was verified before does not stand in the way of the other.
    market.gateway.nodes.shift()
    await ask(market, { provider })
    expect(market.eventsOf('authorised').at(-1)?.bindingId).toBe(wanted.bindingId)
  })

  test('nor a channel of a dearer price, opened before the price fell', async () => {
    const market = new Market([{ price: 9n * M }, { agentId: 1n, price: 10n * M }])
    await ask(market, {})
    const [service] = market.chain.offers.get(0n) ?? []
    if (service === undefined) throw new Error('one service')
    const price = { ...service.price, version: 2, inPerMTok: M, outPerMTok: M }
    market.chain.offers.set(0n, [{ ...service, price }])
    const provider = { max_price: { prompt: (2n * M).toString() } }
    await expect(market.fetch(CHAT_URL, chat({ provider }))).rejects.toMatchObject({
      code: 'NO_PROVIDER_ALLOWED',
      param: 'provider.max_price.prompt',
    })
    // The next that is allowed is tried all the same.
    const more = { max_price: { prompt: (8n * M).toString() } }
    const [other] = market.chain.offers.get(1n) ?? []
    if (other === undefined) throw new Error('one service')
    market.chain.offers.set(1n, [{ ...other, price: { ...other.price, inPerMTok: 8n * M } }])
    await ask(market, { provider: more })
    expect(sentTo(market)).toEqual([0n, 1n])
  })

  test('an answer of a route that cannot be read is none', async () => {
    const market = new Market()
    market.gateway.route = () => refusal(200, 'x')
    const asked = market.fetch(CHAT_URL, chat({ provider: { sort: 'latency' } }))
    const error: unknown = await asked.catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(SdkError)
    expect(error).toMatchObject({ code: 'GATEWAY_ANSWER' })
  })
})
