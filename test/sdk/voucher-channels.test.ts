import { createMemoryStore, SdkError, type Store } from '@jeju/sdk'
import {
  AUTHORIZATION_HEADER,
  parseAuthorization,
  recoverAddress,
  utf8,
  voucherDigest,
  type Hex,
  type SignedRequestAuth,
} from '@jeju/verifier/protocol'
import { describe, expect, test } from 'vitest'
import { BookClient } from '../enclave/setting/book-client.ts'
import { TestChain as NodeChain } from '../enclave/setting/test-chain.ts'
import { digestOf } from '../enclave/setting/test-client.ts'
import { deployment } from './market/deployment.ts'
import { chat, CHAT_URL, Market } from './market/market.ts'

const serving = {
  chainId: BigInt(deployment.chainId),
  verifyingContract: deployment.inferenceServing,
}
const ask = async (fetch: typeof globalThis.fetch): Promise<void> =>
  void (await (await fetch(CHAT_URL, chat())).text())

function authorisations(market: Market): readonly SignedRequestAuth[] {
  return market.gateway.chats.map(({ headers }) =>
    parseAuthorization(headers.get(AUTHORIZATION_HEADER) ?? ''),
  )
}

function sumsOf(market: Market): readonly (bigint | undefined)[] {
  return authorisations(market).map(({ voucher }) => voucher?.cumulative)
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error('it did not happen in 10 s')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

describe('a client that pays by vouchers', () => {
  test('opens such a channel, and signs for known fees, what is open, and the request', async () => {
    const market = new Market([{}], { channels: 'vouchers' })
    await ask(market.fetch)
    await ask(market.fetch)
    await Promise.all([ask(market.fetch), ask(market.fetch)])
    expect(market.chain.openings).toMatchObject([{ mode: 'VOUCHER' }])
    const [first] = authorisations(market)
    const maxFee = first?.auth.maxFee ?? 0n
    const [fee] = market.eventsOf('receipt-verified').map((event) => event.fee)
    const known = fee ?? 0n
    expect(sumsOf(market)).toEqual([
      maxFee,
      known + maxFee,
      2n * known + maxFee,
      2n * known + 2n * maxFee,
    ])
    const [opened] = market.chain.channels.values()
    for (const { auth, voucher } of authorisations(market)) {
      const { cumulative = 0n, signature = '0x' } = voucher ?? {}
      const digest = voucherDigest({ channelId: auth.channelId, cumulative }, serving)
      expect(recoverAddress(digest, signature)).toBe(opened?.sessionKey)
    }
  })

  test('signs no voucher in a channel of receipts, and uses none of the other kind', async () => {
    const market = new Market()
    const store = createMemoryStore()
    await ask(market.fetchWith({ store }))
    expect(sumsOf(market)).toEqual([undefined])
    await ask(market.fetchWith({ store, channels: 'vouchers' }))
    await ask(market.fetchWith({ store }))
    expect(market.chain.openings.map(({ mode }) => mode)).toEqual(['RECEIPT', 'VOUCHER'])
  })

  test('keeps no voucher with a receipt that others are shown', async () => {
    const market = new Market()
    const store = createMemoryStore()
    await ask(market.fetchWith({ store, channels: 'vouchers' }))
    const names = await store.list('receipts')
    expect(names).not.toHaveLength(0)
    for (const name of names) {
      const text = (await store.read(name)) ?? ''
      const { authorization } = JSON.parse(text) as { authorization: string }
      expect(parseAuthorization(authorization)).not.toHaveProperty('voucher')
    }
  })

  test('P32 a process that starts again signs for no less than the one before may have been charged', async () => {
    const market = new Market()
    const store = createMemoryStore()
    const options = { store, channels: 'vouchers' } as const
    // Its outcome is unknown: the answer has no receipt.
    market.gateway.changeAnswer = (answer) => ({ ...answer, headers: {} })
    await ask(market.fetchWith(options)).catch(() => undefined)
    await ask(market.fetchWith(options)).catch(() => undefined)
    const [first, second] = authorisations(market)
    expect(second?.auth.channelId).toBe(first?.auth.channelId)
    expect(second?.voucher?.cumulative).toBe(2n * (first?.auth.maxFee ?? 0n))
  })

  test('gives back what was refused, and keeps what a node says it has charged', async () => {
    const market = new Market([{}], { channels: 'vouchers' })
    const { changeAnswer } = market.gateway
    const refuse = (status: number, code: string): void => {
      const chunks = [utf8(JSON.stringify({ error: { code } }))]
      market.gateway.changeAnswer = () => ({ status, headers: {}, chunks })
    }
    refuse(429, 'engine_busy')
    for (let at = 0; at < 2; at++) await ask(market.fetch)
    refuse(402, 'voucher_too_low')
    for (let at = 0; at < 2; at++) await ask(market.fetch)
    market.gateway.changeAnswer = changeAnswer
    await ask(market.fetch)
    const maxFee = authorisations(market)[0]?.auth.maxFee ?? 0n
    expect(sumsOf(market).map((sum) => (sum ?? 0n) / maxFee)).toEqual([1n, 1n, 1n, 2n, 3n])
  })

  test('P19 what somebody else has settled of a channel is not signed for twice', async () => {
    const market = new Market([{}], { channels: 'vouchers' })
    await ask(market.fetch)
    const [id = '0x' as Hex] = market.chain.channels.keys()
    const channel = await market.chain.channelOf(id)
    // A gateway has seen the voucher, and settles it.
    const { cumulative = 0n } = authorisations(market)[0]?.voucher ?? {}
    market.chain.channels.set(id, { ...channel, spent: cumulative })
    const { changeAnswer } = market.gateway
    const chunks = [utf8(JSON.stringify({ error: { code: 'voucher_too_low' } }))]
    market.gateway.changeAnswer = () => ({ status: 402, headers: {}, chunks })
    await ask(market.fetch)
    market.gateway.changeAnswer = changeAnswer
    await ask(market.fetch)
    await ask(market.fetch)
    const used = authorisations(market).map(({ auth }) => auth.channelId)
    expect(used.slice(0, 2)).toEqual([id, id])
    expect(used[2]).not.toBe(id)
    expect(used[3]).toBe(used[2])
    expect(sumsOf(market)[2]).toBe(authorisations(market)[2]?.auth.maxFee)
  })

  test('sends nothing that is not kept first', async () => {
    const market = new Market()
    const store = createMemoryStore()
    const broken: Store = {
      ...store,
      write: (name, text) =>
        name.startsWith('vouchers/')
          ? Promise.reject(new SdkError('STORE_FAILED', 'store: EIO'))
          : store.write(name, text),
    }
    const fetch = market.fetchWith({ store: broken, channels: 'vouchers' })
    await expect(ask(fetch)).rejects.toMatchObject({ code: 'STORE_FAILED' })
    expect(market.gateway.chats).toHaveLength(0)
  })

  test('locks nothing more for requests that could not be kept', async () => {
    const client = new BookClient(new NodeChain(() => new Date()), digestOf('a'), 10_000n)
    const first = await client.sign('{}', 100n)
    const { sums } = client.records
    const save = sums.save.bind(sums)
    sums.save = () => Promise.reject(new SdkError('STORE_FAILED', 'store: ENOSPC'))
    for (let at = 0; at < 200; at++) {
      await expect(client.sign('{}', 100n)).rejects.toMatchObject({ code: 'STORE_FAILED' })
    }
    sums.save = save
    const { signed } = await client.sign('{}', 100n)
    expect(signed.auth.channelId).toBe(first.signed.auth.channelId)
    expect(signed.voucher?.cumulative).toBe(200n)
  })

  test('goes on with the fees it knew, though its receipts are kept elsewhere', async () => {
    const client = new BookClient(new NodeChain(() => new Date()), digestOf('a'), 10_000n)
    const sent = await client.sign('{}', 100n)
    sent.reservation.charged(40n)
    const { channelId } = sent.signed.auth
    await until(async () => (await client.records.feesOf(channelId, 0n)) === 40n)
    expect(await client.records.feesOf(channelId, 50n)).toBe(50n)
    const later = client.another()
    const next = await client.sign('{}', 100n, later)
    expect(next.signed.voucher?.cumulative).toBe(140n)
    expect(later.chargedOf(channelId)).toEqual({ known: 40n, most: 140n })
  })

  test('a sum that cannot be read is named', async () => {
    const market = new Market()
    const store = createMemoryStore()
    const options = { store, channels: 'vouchers' } as const
    await ask(market.fetchWith(options))
    const [name = ''] = await store.list('vouchers')
    await store.write(name, '{"committed":"-1","v":1}')
    await expect(ask(market.fetchWith(options))).rejects.toMatchObject({ code: 'RECORD_INVALID' })
  })

  test('a channel that is closed takes its sum with it', async () => {
    const market = new Market()
    const store = createMemoryStore()
    const client = market.clientWith({ store, channels: 'vouchers' })
    await ask(client.fetch)
    const [id] = market.chain.channels.keys()
    if (id !== undefined) await market.chain.release(id)
    await client.close()
    expect(await store.list('vouchers')).toEqual([])
  })
})

describe('two processes with one wallet', () => {
  test('the later one takes the channel over with its sum, and the earlier one opens another', async () => {
    const now = (): Date => new Date()
    const client = new BookClient(new NodeChain(now), digestOf('binding'), 10_000n)
    const first = client.book
    const second = client.another()
    const channels: Hex[] = []
    const sums: (bigint | undefined)[] = []
    for (const book of [first, second, second, first, first, second]) {
      const { signed } = await client.sign('{}', 100n, book)
      channels.push(signed.auth.channelId)
      sums.push(signed.voucher?.cumulative)
    }
    const [shared, , , own] = channels
    expect(channels).toEqual([shared, shared, shared, own, own, shared])
    expect(own).not.toBe(shared)
    expect(sums).toEqual([100n, 200n, 300n, 100n, 200n, 400n])
  })

  test('N10 replicas are paid from a channel each, and found with it again', async () => {
    const client = new BookClient(new NodeChain(() => new Date()), digestOf('a'), 10_000n)
    const channelOf = async (binding: string, book = client.book): Promise<Hex> => {
      const { signed } = await client.sign('{}', 100n, book, digestOf(binding))
      return signed.auth.channelId
    }
    const [a, b] = [await channelOf('a'), await channelOf('b')]
    expect(a).not.toBe(b)
    expect([await channelOf('b'), await channelOf('a')]).toEqual([b, a])
    const later = client.another()
    expect([await channelOf('b', later), await channelOf('a', later)]).toEqual([b, a])
  })

  test('sums of requests that start together are kept together', async () => {
    const client = new BookClient(new NodeChain(() => new Date()), digestOf('binding'), 10_000n)
    let writes = 0
    const { sums } = client.records
    const save = sums.save.bind(sums)
    sums.save = async (...saved) => {
      writes++
      await new Promise((resolve) => setTimeout(resolve, 5))
      return save(...saved)
    }
    const sent = await Promise.all(Array.from({ length: 24 }, () => client.sign('{}', 10n)))
    expect(writes).toBeLessThan(24)
    const [one] = sent
    const kept = await sums.find(one?.signed.auth.channelId ?? '0x')
    expect(kept?.committed).toBe(240n)
    const signed = sent.map(({ signed: { voucher } }) => voucher?.cumulative)
    expect(signed).toEqual(Array.from({ length: 24 }, (_, at) => 10n * BigInt(at + 1)))
  })
})
