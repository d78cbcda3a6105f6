import { parseAuthorization } from '@jeju/verifier/protocol'
import { createMemoryStore } from '@jeju/sdk'
import { expect, test } from 'vitest'
import { Nonces } from '../../sdk/src/payment/nonces.ts'
import { chat, CHAT_URL, Market } from './market/market.ts'

const take = (nonces: Nonces, count: number): bigint[] =>
  Array.from({ length: count }, () => nonces.next())

test('256 nonces share a word of the bitmap, in order; then there is another word', () => {
  const nonces = new Nonces('found')
  const first = take(nonces, 256)
  expect(new Set(first.map((nonce) => nonce >> 8n)).size).toBe(1)
  expect(first.map((nonce) => nonce & 255n)).toEqual(
    Array.from({ length: 256 }, (_, n) => BigInt(n)),
  )
  const next = nonces.next()
  expect(next >> 8n).not.toBe((first[0] ?? 0n) >> 8n)
  expect(next & 255n).toBe(0n)
})

test('P32 nonce_unique_under_load: users of one channel do not meet, and all fit the contract', () => {
  const all = Array.from({ length: 50 }, () => take(new Nonces('found'), 300)).flat()
  expect(new Set(all).size).toBe(all.length)
  for (const nonce of all) expect(nonce < 2n ** 256n && nonce >= 0n).toBe(true)
})

test('P32 two processes with one wallet and one channel: each counts in a word of its own', async () => {
  const market = new Market()
  const store = createMemoryStore()
  const fetches = [market.fetchWith({ store })]
  await (await fetches[0]?.(CHAT_URL, chat()))?.text()
  fetches.push(market.fetchWith({ store }))
  for (let round = 0; round < 3; round++) {
    await Promise.all(fetches.map(async (fetch) => (await fetch(CHAT_URL, chat())).text()))
  }
  const auths = market.gateway.chats.map(
    ({ headers }) => parseAuthorization(headers.get('compute-authorization') ?? '').auth,
  )
  expect(new Set(auths.map(({ channelId }) => channelId)).size).toBe(1)
  expect(new Set(auths.map(({ nonce }) => nonce)).size).toBe(7)
  expect(new Set(auths.map(({ nonce }) => nonce >> 8n)).size).toBe(2)
  expect(market.chain.openings).toHaveLength(1)
  expect(market.eventsOf('receipt-verified')).toHaveLength(7)
})

test('who opened a channel begins with the nonces that cost least', () => {
  const nonces = take(new Nonces('opened'), 600)
  expect(nonces.slice(0, 256)).toEqual(Array.from({ length: 256 }, (_, nonce) => BigInt(nonce)))
  expect(nonces[256]).toBeGreaterThan(2n ** 100n)
  expect(new Set(nonces).size).toBe(600)
})
