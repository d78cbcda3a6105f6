import { randomBytes32, signRelease, toHex } from '@jeju/verifier/protocol'
import { owedByNodes } from '@jeju/sdk'
import { afterAll, expect, test } from 'vitest'
import { askRelease, LEDGER, owedOf, type ReleaseLies } from './setting/ask-release.ts'
import { cleanUp, startNode, until, type Running } from './setting/start-node.ts'
import { chatBody, errorOf } from './setting/test-client.ts'
import { TestSettlementChain } from './setting/test-settlement-chain.ts'

afterAll(cleanUp)

const BODY = chatBody()
const askChat = ({ client, fetch }: Running): Promise<Response> =>
  fetch(client.request(BODY, client.sign(BODY)))

test('N11 what is being answered is owed at its maximum, and nothing more is taken', async () => {
  const running = await startNode({ config: { settleIntervalMs: 20 } })
  const { client, engine, chain } = running
  const { channelId } = client
  engine.holdAt = 1
  const open = await running.fetch(
    client.request(
      chatBody({ stream: true }),
      client.sign(chatBody({ stream: true }), { maxFee: 900n }),
    ),
  )
  expect(await owedOf(running)).toEqual({ channelId, owed: '900' })
  const refused = await errorOf(await askChat(running))
  expect(refused).toMatchObject({ status: 402, code: 'channel_not_usable' })

  engine.release()
  await open.arrayBuffer()
  await until(async () => {
    const { owed } = (await owedOf(running)) as { owed: string }
    return owed === '0'
  })
  // The receipt is paid, and was before anybody heard of nothing owed.
  expect((await chain.channel(channelId)).spent).toBeGreaterThan(0n)
})

test('N11 a receipt is owed until its payment is final', async () => {
  const running = await startNode({
    settlement: (chain) => {
      const settling = new TestSettlementChain(chain)
      settling.above = 0n
      return settling
    },
    config: { settleIntervalMs: 20, settlement: { worth: 0, confirmations: 2 } },
  })
  const { chain, client } = running
  expect((await askChat(running)).status).toBe(200)
  await until(async () => (await chain.channel(client.channelId)).spent > 0n)
  const { spent } = await chain.channel(client.channelId)
  expect(await owedOf(running)).toMatchObject({ owed: spent.toString() })
})

test('N11 the desk of a provider releases nothing while its nodes are owed, by what the nodes say', async () => {
  const running = await startNode()
  const { client, clock } = running
  const { channelId } = client
  const asks: unknown[] = []
  const transport = async (url: string | URL | Request, init?: RequestInit): Promise<Response> => {
    asks.push(url)
    return running.fetch(new Request(url, init as RequestInit))
  }
  const nowS = BigInt(Math.floor(clock.now().getTime() / 1000))
  const release = signRelease(
    { channelId, paid: 0n, deadline: nowS + 300n },
    LEDGER,
    client.sessionKey,
  )
  const owed = owedByNodes([new URL('http://node.test/a'), new URL('http://node.test')], transport)
  expect(await owedByNodes([new URL('http://node.test')], transport)(release)).toBe(0n)
  expect(asks).toEqual(['http://node.test/v1/release'])
  // One that does not know the path has not said that it is owed nothing.
  await expect(owed(release)).rejects.toMatchObject({ code: 'RELEASE_REFUSED' })
  await expect(owedByNodes([], transport)(release)).rejects.toMatchObject({
    code: 'RELEASE_REFUSED',
  })
})

test('N11 a channel that is held for its release is settled now, and not when its window ends', async () => {
  const settling: TestSettlementChain[] = []
  const running = await startNode({
    settlement: (chain) => {
      const made = new TestSettlementChain(chain)
      // What one answer brings, and less than is waited for otherwise.
      made.fees = { maxFeePerGas: 1n, maxPriorityFeePerGas: 1n }
      made.gas = 40n
      settling.push(made)
      return made
    },
    // Nobody comes by in this test but for the hold.
    config: { settlement: { worth: 2, confirmations: 1 } },
  })
  expect((await askChat(running)).status).toBe(200)
  expect(await owedOf(running)).toMatchObject({ owed: '40' })
  await until(async () => {
    const { owed } = (await owedOf(running)) as { owed: string }
    return owed === '0'
  })
  expect((await running.chain.channel(running.client.channelId)).spent).toBe(40n)
})

test('N9 a node that starts again takes nothing of a channel whose release it was shown', async () => {
  const running = await startNode()
  const { client, clock } = running
  expect(await owedOf(running)).toMatchObject({ owed: '0' })
  await running.node.drain()
  // What the earlier life can have answered is refused for an hour's worth of ends: this ends later.
  clock.pass(30)
  const after = await running.restart()
  const nowS = BigInt(Math.floor(clock.now().getTime() / 1000))
  clock.pass(1)
  const late = client.sign(BODY, { validUntil: nowS + 3_601n })
  expect(await errorOf(await after.fetch(client.request(BODY, late)))).toMatchObject({
    status: 402,
    code: 'channel_not_usable',
  })
  // It ends as it would have.
  clock.pass(600)
  const free = client.sign(BODY, { validUntil: nowS + 3_660n })
  expect((await after.fetch(client.request(BODY, free))).status).toBe(200)
  await after.node.drain()
})

test('N7 prompts of strangers leave a release its place, and releases of strangers take none of theirs', async () => {
  const running = await startNode()
  const slow = (path: string): Request => {
    const body = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => undefined) })
    const init = { method: 'POST', body, duplex: 'half' }
    return new Request(`http://node.test${path}`, init as RequestInit)
  }
  const prompts = Array.from({ length: 17 }, () => running.fetch(slow('/v1/chat/completions')))
  expect((await Promise.race(prompts)).status).toBe(429)
  expect(await owedOf(running)).toMatchObject({ owed: '0' })

  const other = await startNode()
  const releases = Array.from({ length: 257 }, () => other.fetch(slow('/v1/release')))
  expect((await Promise.race(releases)).status).toBe(429)
  const refused = await other.fetch(
    new Request('http://node.test/v1/chat/completions', { method: 'POST', body: BODY }),
  )
  expect((await errorOf(refused)).code).toBe('authorization_missing')
})

test('N7 body_limit: a release is small', async () => {
  const { fetch } = await startNode()
  const body = ' '.repeat(4_097)
  const refused = await fetch(new Request('http://node.test/v1/release', { method: 'POST', body }))
  expect(await errorOf(refused)).toMatchObject({ status: 413, code: 'body_too_large' })
})

test('a release that runs out is forgotten, and its channel taken again', async () => {
  const running = await startNode()
  expect(await owedOf(running)).toMatchObject({ owed: '0' })
  running.clock.pass(590)
  expect((await askChat(running)).status).toBe(402)
  running.clock.pass(20)
  expect((await askChat(running)).status).toBe(200)
})

test('nobody but the session key of a live channel with this agent holds it or learns what it owes', async () => {
  const running = await startNode()
  const { chain, client, clock } = running
  const nowS = BigInt(Math.floor(clock.now().getTime() / 1000))
  const codeOf = async (lies: ReleaseLies): Promise<string> =>
    (await errorOf(await askRelease(running, lies))).code
  expect(await codeOf({ key: randomBytes32() })).toBe('authorization_invalid')
  expect(await codeOf({ more: { paid: '1' } })).toBe('authorization_invalid')
  expect(await codeOf({ more: { signature: `0x${'00'.repeat(65)}` } })).toBe(
    'authorization_invalid',
  )
  expect(await codeOf({ more: { extra: 1 } })).toBe('invalid_request')
  expect(await codeOf({ more: { v: 2 } })).toBe('invalid_request')
  expect(await codeOf({ deadline: nowS - 1n })).toBe('authorization_expired')
  expect(await codeOf({ deadline: nowS + 700n })).toBe('authorization_expired')
  expect(await codeOf({ channelId: toHex(randomBytes32()) })).toBe('channel_not_usable')
  const channel = await chain.channel(client.channelId)
  chain.channels.set(client.channelId, { ...channel, agentId: 7n })
  expect(await codeOf({})).toBe('channel_not_usable')
  chain.channels.set(client.channelId, channel)
  expect((await askChat(running)).status).toBe(200)
})
