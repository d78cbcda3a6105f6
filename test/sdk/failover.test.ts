import { SdkError } from '@jeju/sdk'
import { describe, expect, test } from 'vitest'
import { chat, CHAT_URL, Market } from './market/market.ts'
import { refusal } from './market/test-node.ts'

const FOUR = [{}, { agentId: 1n }, { agentId: 2n }, { agentId: 3n }]

describe('failover', () => {
  test.each([
    [502, 'provider_unavailable'],
    [503, 'provider_unavailable'],
    [503, 'provider_not_admitted'],
    [503, 'draining'],
  ])('%i %s: the next verified provider gets an authorisation of its own', async (status, code) => {
    const market = new Market(FOUR)
    market.gateway.changeAnswer = (answer, node) =>
      node.agentId === 0n ? refusal(status, code) : answer
    const response = await market.fetch(CHAT_URL, chat())
    expect(response.status).toBe(200)
    await response.text()
    const authorised = market.eventsOf('authorised')
    expect(authorised.map(({ agentId }) => agentId)).toEqual([0n, 1n])
    expect(new Set(authorised.map(({ bindingId }) => bindingId)).size).toBe(2)
    expect(new Set(authorised.map(({ channelId }) => channelId)).size).toBe(2)
  })

  test('the session of the provider that failed is ended', async () => {
    const market = new Market(FOUR)
    market.gateway.changeAnswer = (answer, node) =>
      node.agentId === 0n ? refusal(503, 'provider_unavailable') : answer
    await (await market.fetch(CHAT_URL, chat())).text()
    await (await market.fetch(CHAT_URL, chat())).text()
    expect(market.eventsOf('authorised').map(({ agentId }) => agentId)).toEqual([0n, 1n, 1n])
  })

  test('at most three providers see a prompt; then the last refusal is the answer', async () => {
    const market = new Market(FOUR)
    market.gateway.changeAnswer = () => refusal(503, 'provider_unavailable')
    const response = await market.fetch(CHAT_URL, chat())
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ error: { code: 'provider_unavailable' } })
    expect(market.gateway.chats).toHaveLength(3)
  })

  test.each([
    [500, 'provider_unavailable'],
    [503, 'overloaded'],
    [502, 'bad_gateway'],
    [429, 'rate_limited'],
    [400, 'request_invalid'],
  ])(
    '%i %s is passed on, marked not to be repeated, and tried nowhere else',
    async (status, code) => {
      const market = new Market(FOUR)
      market.gateway.changeAnswer = () => refusal(status, code)
      const response = await market.fetch(CHAT_URL, chat())
      expect(response.status).toBe(status)
      expect(response.headers.get('x-should-retry')).toBe('false')
      expect(market.gateway.chats).toHaveLength(1)
    },
  )

  test('never after a 2xx, whatever the body says', async () => {
    const market = new Market(FOUR)
    market.gateway.changeAnswer = () => ({ ...refusal(503, 'provider_unavailable'), status: 202 })
    const response = await market.fetch(CHAT_URL, chat())
    await expect(response.text()).rejects.toMatchObject({ failedChecks: ['receipt-present'] })
    expect(market.gateway.chats).toHaveLength(1)
  })

  test('a provider whose evidence cannot be fetched is passed over', async () => {
    const market = new Market(FOUR)
    market.gateway.nodes.shift()
    market.gateway.hints = [{ agentId: '0' }, { agentId: '1' }]
    await (await market.fetch(CHAT_URL, chat())).text()
    expect(market.eventsOf('provider-unavailable').map(({ agentId }) => agentId)).toEqual([0n])
    expect(market.eventsOf('receipt-verified').map(({ agentId }) => agentId)).toEqual([1n])
    market.gateway.hints = [{ agentId: '0' }]
    const fetch = market.fetchWith()
    await expect(fetch(CHAT_URL, chat())).rejects.toMatchObject({ code: 'PROVIDER_UNAVAILABLE' })
  })
})

describe('once an authorisation was sent, fetch does not reject', () => {
  test('a lost connection is the error of the body', async () => {
    const market = new Market()
    const fetch = market.fetchWith({
      transport: (input, init) =>
        init?.method === 'POST'
          ? Promise.reject(new TypeError('fetch failed'))
          : market.gateway.transport(input, init),
    })
    const response = await fetch(CHAT_URL, chat())
    const error: unknown = await response.json().catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(SdkError)
    expect(error).toMatchObject({ code: 'OUTCOME_UNKNOWN' })
  })

  test('an abort while the node works is the abort, in the body', async () => {
    const market = new Market()
    const abort = new AbortController()
    const reason = new Error('the user left')
    const fetch = market.fetchWith({
      transport: async (input, init) => {
        if (init?.method !== 'POST') return market.gateway.transport(input, init)
        abort.abort(reason)
        throw reason
      },
    })
    const response = await fetch(CHAT_URL, { ...chat(), signal: abort.signal })
    await expect(response.text()).rejects.toBe(reason)
  })

  test('an abort before that rejects, and nothing is sent', async () => {
    const market = new Market()
    const abort = new AbortController()
    abort.abort()
    await expect(market.fetch(CHAT_URL, { ...chat(), signal: abort.signal })).rejects.toMatchObject(
      {
        name: 'AbortError',
      },
    )
    expect(market.gateway.chats).toHaveLength(0)
  })

  test('a gateway that is not there, before that', async () => {
    const market = new Market()
    const fetch = market.fetchWith({ transport: () => Promise.reject(new TypeError('no route')) })
    await expect(fetch(CHAT_URL, chat())).rejects.toMatchObject({ code: 'GATEWAY_UNAVAILABLE' })
  })
})
