import { createMemoryStore, SdkError } from '@jeju/sdk'
import type { Hex } from '@jeju/verifier/protocol'
import { describe, expect, test } from 'vitest'
import { chat, CHAT_URL, Market } from './market/market.ts'
import { USER } from './market/test-chain.ts'

const ask = async (fetch: typeof globalThis.fetch): Promise<void> =>
  void (await (await fetch(CHAT_URL, chat())).text())

const onlyChannel = (market: Market): Hex => {
  const [id] = market.chain.channels.keys()
  if (id === undefined) throw new Error('no channel')
  return id
}

describe('a new process', () => {
  test('goes on with the channel of the one before, and with what its receipts have used up', async () => {
    const market = new Market()
    const store = createMemoryStore()
    const options = { store, channelAmount: 1_300n }
    for (let process = 0; process < 3; process++) await ask(market.fetchWith(options))
    expect(market.chain.openings).toHaveLength(1)
    // 1300 locked, about 1170 a request at most and 21 used by each.
    for (let process = 0; process < 5; process++) await ask(market.fetchWith(options))
    expect(market.chain.openings).toHaveLength(1)
    expect(market.chain.topUps).toHaveLength(1)
  })

  test('without a store opens its own', async () => {
    const market = new Market()
    await ask(market.fetchWith())
    await ask(market.fetchWith())
    expect(market.chain.openings).toHaveLength(2)
  })

  test('leaves a channel that is closed, and forgets its key', async () => {
    const market = new Market()
    const store = createMemoryStore()
    await ask(market.fetchWith({ store }))
    const id = onlyChannel(market)
    await market.chain.release(id)
    await ask(market.fetchWith({ store }))
    expect(market.chain.openings).toHaveLength(2)
    const kept = await store.list('channels')
    expect(kept).toHaveLength(1)
    expect(kept[0]).not.toContain(id)
  })

  test('a record that cannot be read is named, without its key', async () => {
    const market = new Market()
    const store = createMemoryStore()
    await ask(market.fetchWith({ store }))
    const [name = ''] = await store.list('channels')
    const text = (await store.read(name)) ?? ''
    await store.write(name, text.replace('"serviceId":0', '"serviceId":"0"'))
    const error: unknown = await market
      .fetchWith({ store })(CHAT_URL, chat())
      .catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'RECORD_INVALID' })
    const { sessionKey } = JSON.parse(text) as { sessionKey: string }
    expect(String(error)).not.toContain(sessionKey)
  })
})

describe('a budget', () => {
  test('bounds openings and top-ups together, and nothing is sent beyond it', async () => {
    const market = new Market()
    const fetch = market.fetchWith({ channelAmount: 1_200n, budget: 1_250n })
    // A top-up takes what is left of the budget where that is enough for the request.
    for (let count = 0; count < 4; count++) await ask(fetch)
    const locked = 1_200n + market.chain.topUps.reduce((sum, { amount }) => sum + amount, 0n)
    expect(locked).toBe(1_250n)
    const sent = market.gateway.chats.length
    const refusals: unknown[] = []
    for (let count = 0; count < 6; count++) {
      await ask(fetch).catch((error: unknown) => refusals.push(error))
    }
    expect(refusals).not.toHaveLength(0)
    for (const error of refusals) expect(error).toMatchObject({ code: 'BUDGET_EXHAUSTED' })
    expect(market.gateway.chats.length - sent).toBe(6 - refusals.length)
    expect(market.chain.topUps.reduce((sum, { amount }) => sum + amount, 1_200n)).toBe(1_250n)
  })

  test('that is too small for one request opens nothing', async () => {
    const market = new Market()
    await expect(ask(market.fetchWith({ budget: 10n }))).rejects.toMatchObject({
      code: 'BUDGET_EXHAUSTED',
    })
    expect(market.chain.openings).toEqual([])
  })

  test('has back what could not be locked', async () => {
    const market = new Market()
    const { openChannel } = market.chain
    market.chain.openChannel = () => Promise.reject(new SdkError('CHAIN_WRITE', 'no gas'))
    const fetch = market.fetchWith({ channelAmount: 1_400n, budget: 1_400n })
    await expect(ask(fetch)).rejects.toMatchObject({ code: 'CHAIN_WRITE' })
    market.chain.openChannel = openChannel
    await ask(fetch)
    expect(market.chain.openings).toHaveLength(1)
  })

  test('unconfirmed_opening_is_locked_twice: what was sent counts as locked, and its key is kept', async () => {
    const market = new Market()
    const store = createMemoryStore()
    const { openChannel } = market.chain
    market.chain.openChannel = async (opening, beforeSend) => {
      await openChannel.call(market.chain, opening, beforeSend)
      throw new SdkError('CHAIN_WRITE', 'openChannel: timed out')
    }
    const options = { store, channelAmount: 1_400n, budget: 1_400n }
    const fetch = market.fetchWith(options)
    await expect(ask(fetch)).rejects.toMatchObject({ code: 'CHAIN_WRITE' })
    expect(await store.list('channels')).toHaveLength(1)
    // It is open after all, and used.
    await ask(fetch)
    expect(market.chain.openings).toHaveLength(1)
  })

  test('has back what was sent and reverted', async () => {
    const market = new Market()
    const store = createMemoryStore()
    const { openChannel } = market.chain
    market.chain.openChannel = async (_opening, beforeSend) => {
      await beforeSend?.(`0x${'ab'.repeat(32)}`)
      throw new SdkError('CHAIN_REVERT', 'openChannel: reverted')
    }
    const fetch = market.fetchWith({ store, channelAmount: 1_400n, budget: 1_400n })
    await expect(ask(fetch)).rejects.toMatchObject({ code: 'CHAIN_REVERT' })
    expect(await store.list('channels')).toEqual([])
    market.chain.openChannel = openChannel
    await ask(fetch)
    expect(market.chain.openings).toHaveLength(1)
  })

  test.each([0n, -1n, 2n ** 128n])('of %s wei is refused', (budget) => {
    expect(() => new Market().fetchWith({ budget })).toThrow(
      expect.objectContaining({ code: 'CONFIG_AMOUNT' }),
    )
  })
})

describe('close', () => {
  test('requests the refund where the provider names no place to ask, and completes it after the delay', async () => {
    const market = new Market()
    const options = { store: createMemoryStore() }
    const client = market.clientWith(options)
    await ask(client.fetch)
    const channelId = onlyChannel(market)
    const [closing] = await client.close()
    expect(closing).toMatchObject({ outcome: 'closing', channelId })
    await expect(ask(client.fetch)).rejects.toMatchObject({ code: 'CLIENT_CLOSED' })
    expect(await client.close()).toMatchObject([{ outcome: 'closing', channelId }])
    market.chain.passTime(25 * 3600)
    expect(await market.clientWith(options).close()).toMatchObject([
      { outcome: 'refunded', channelId, returned: 10_000n },
    ])
    expect(await market.clientWith(options).close()).toEqual([])
    expect(market.eventsOf('channel-closed').map(({ channel }) => channel.outcome)).toEqual([
      'closing',
      'closing',
      'refunded',
    ])
  })

  test('asks the provider first, with what the receipts come to, signed by the session key', async () => {
    const market = new Market()
    market.chain.services8004.set(0n, [{ name: 'release', endpoint: 'https://desk.test/release' }])
    const asked: { url: string; body: string }[] = []
    const transport: typeof fetch = async (input, init) => {
      const request = new Request(input, init)
      if (!request.url.startsWith('https://desk.test')) return market.gateway.transport(input, init)
      asked.push({ url: request.url, body: await request.text() })
      await market.chain.release(onlyChannel(market))
      return new Response('{}')
    }
    const client = market.clientWith({ transport })
    await ask(client.fetch)
    await ask(client.fetch)
    expect(await client.close()).toMatchObject([{ outcome: 'released', returned: 10_000n }])
    expect(asked).toHaveLength(1)
    expect(asked[0]?.url).toBe('https://desk.test/release')
    expect(JSON.parse(asked[0]?.body ?? '')).toMatchObject({ paid: '42', v: 1 })
  })

  test('a provider who says he released and did not keeps nobody from the refund', async () => {
    const market = new Market()
    market.chain.services8004.set(0n, [{ name: 'release', endpoint: 'https://desk.test' }])
    const transport: typeof fetch = async (input, init) =>
      new Request(input, init).url.startsWith('https://desk.test')
        ? new Response('{"released":true}')
        : market.gateway.transport(input, init)
    const client = market.clientWith({ transport })
    await ask(client.fetch)
    expect(await client.close()).toMatchObject([{ outcome: 'closing' }])
  })

  test.each([
    ['http://127.0.0.1:1/x', 'loopback'],
    ['http://desk.test', 'clear text'],
    ['not a url', 'nonsense'],
  ])('F5 a provider does not choose what this machine connects to: %s (%s)', async (endpoint) => {
    const market = new Market()
    market.chain.services8004.set(0n, [{ name: 'release', endpoint }])
    const urls: string[] = []
    const transport: typeof fetch = (input, init) => {
      urls.push(new Request(input, init).url)
      return market.gateway.transport(input, init)
    }
    const client = market.clientWith({ transport })
    await ask(client.fetch)
    expect(await client.close()).toMatchObject([{ outcome: 'closing' }])
    expect(urls.every((url) => url.startsWith('https://gateway.test/'))).toBe(true)
  })

  test('a provider who does not answer keeps no other channel waiting', async () => {
    const agents = [0n, 1n, 2n]
    const market = new Market(agents.map((agentId) => ({ agentId, price: agentId + 1n })))
    for (const agentId of agents) {
      const endpoint = `https://desk-${agentId}.test`
      market.chain.services8004.set(agentId, [{ name: 'release', endpoint }])
    }
    const store = createMemoryStore()
    for (const agentId of agents) await ask(market.fetchWith({ store, agents: [agentId] }))
    const patience = new AbortController()
    const silent = new Promise<Response>((resolve) => {
      const late = (): void => resolve(new Response('{}', { status: 503 }))
      patience.signal.addEventListener('abort', late)
    })
    const transport: typeof fetch = async (input, init) => {
      const { host } = new URL(new Request(input, init).url)
      if (host === 'desk-0.test') return silent
      const channel = [...market.chain.channels].find(
        ([, { agentId }]) => host === `desk-${agentId}.test`,
      )
      if (channel === undefined) return market.gateway.transport(input, init)
      await market.chain.release(channel[0])
      return new Response('{}')
    }
    const closing = market.clientWith({ store, transport }).close()
    await expect
      .poll(() => market.eventsOf('channel-closed').map(({ channel }) => channel.outcome))
      .toEqual(['released', 'released'])
    patience.abort()
    expect((await closing).map(({ outcome }) => outcome).toSorted()).toEqual([
      'closing',
      'released',
      'released',
    ])
  })

  test('one channel that fails does not keep the others open', async () => {
    const market = new Market([{}, { agentId: 1n, price: 2n }])
    const store = createMemoryStore()
    await ask(market.fetchWith({ store, agents: [0n] }))
    await ask(market.fetchWith({ store, agents: [1n] }))
    const [first] = market.chain.channels.keys()
    const { requestRefund } = market.chain
    market.chain.requestRefund = (id) =>
      id === first
        ? Promise.reject(new SdkError('CHAIN_WRITE', 'no gas'))
        : requestRefund.call(market.chain, id)
    await expect(market.clientWith({ store }).close()).rejects.toMatchObject({
      code: 'CHAIN_WRITE',
    })
    const channels = [...market.chain.channels.values()]
    expect(channels.map(({ state }) => state)).toEqual(['OPEN', 'CLOSING'])
    expect(channels.map(({ user }) => user)).toEqual([USER, USER])
  })
})
