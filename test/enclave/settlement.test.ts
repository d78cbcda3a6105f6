import { MAX_SETTLE_BATCH } from '@jeju/verifier/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import { CHANNEL } from './setting/journal.ts'
import { closeQueues, FEE, noncesOf, openReceiptQueue } from './setting/settlement-queue.ts'
import { cleanUp, startNode, until } from './setting/start-node.ts'
import { chatBody, digestOf } from './setting/test-client.ts'

afterAll(async () => {
  await closeQueues()
  await cleanUp()
})

describe('a settlement', () => {
  test('N11 an item leaves the queue only by an answer that no later block can change', async () => {
    const statuses = [
      'paid',
      'underfunded',
      'already_used',
      'bad_auth',
      'bad_receipt',
      'bad_binding',
      'expired',
      'channel_closed',
      'over_cap',
      'nothing_due',
    ] as const
    const { chain, clock, queue, waiting } = await openReceiptQueue(statuses.length)
    chain.statuses = statuses
    await queue.settleNow()
    expect(waiting().map((nonce) => statuses[nonce])).toEqual([
      'underfunded',
      'bad_auth',
      'bad_receipt',
      'bad_binding',
    ])
    expect(noncesOf(chain.settlements)).toEqual([0])
    chain.statuses = []
    // What cannot be paid is not asked for in every round.
    await queue.settleNow()
    expect(noncesOf(chain.settlements)).toEqual([0])
    clock.pass(601)
    await queue.settleNow()
    expect(waiting()).toEqual([])
  })

  test('N11 an answer of the newest block alone gives nothing up', async () => {
    const { chain, settlement, queue, waiting } = await openReceiptQueue(2)
    chain.statuses = ['already_used', 'expired']
    settlement.agreedPreview = () => Promise.resolve(['paid', 'paid'])
    await queue.settleNow()
    expect(waiting()).toEqual([0, 1])
    settlement.agreedPreview = () => Promise.reject(new Error('the RPCs do not agree'))
    await queue.settleNow()
    expect(waiting()).toEqual([0, 1])
  })

  test('batches are within the contract, one after the other', async () => {
    const { chain, queue, waiting } = await openReceiptQueue(2 * MAX_SETTLE_BATCH + 1)
    for (let round = 0; round < 3; round++) await queue.settleNow()
    expect(chain.settlements.map(({ length }) => length)).toEqual([
      MAX_SETTLE_BATCH,
      MAX_SETTLE_BATCH,
      1,
    ])
    expect(waiting()).toEqual([])
  })

  test('one item that cannot be paid holds no other back', async () => {
    const { chain, queue, waiting } = await openReceiptQueue(3)
    chain.statuses = ['bad_auth']
    await queue.settleNow()
    expect(waiting()).toEqual([0])
    expect(noncesOf(chain.settlements)).toEqual([1, 2])
  })

  test('an item that the block did not pay waits again when the block is sure', async () => {
    const { chain, queue, waiting, settlement } = await openReceiptQueue(2, { confirmations: 12 })
    settlement.above = 0n
    chain.settle = (items) => {
      chain.settlements.push(items)
      return Promise.resolve(new Map([[digestOf('auth 0'), FEE]]))
    }
    await queue.settleNow()
    expect(waiting()).toEqual([])
    settlement.above = 11n
    await queue.settleNow()
    expect(noncesOf(chain.settlements.slice(1))).toEqual([1])
  })

  test('S6 a queue that runs forgets what has expired, and what was never concluded is owed no longer', async () => {
    const { queue, journal, clock } = await openReceiptQueue(0)
    const end = BigInt(Math.floor(clock.now().getTime() / 1000)) + 600n
    const auth = { channelId: CHANNEL, nonce: 1n, bindingId: digestOf('binding') }
    const taken = { ...auth, requestHash: digestOf('r'), maxFee: 5n, validUntil: end }
    await journal.start(digestOf('never concluded'), taken)
    clock.pass(600 + 12 * 3600 + 2)
    expect(journal.owed(CHANNEL)).toBe(5n)
    const stop = new AbortController()
    const running = queue.run(stop.signal)
    await until(() => journal.owed(CHANNEL) === 0n)
    expect(journal.knows(digestOf('never concluded'), taken)).toBe(false)
    stop.abort()
    await running
  })

  test('a receipt of this second waits for a block of its time', async () => {
    const { client, fetch, chain, node } = await startNode()
    const realNow = chain.now
    expect((await fetch(client.request(chatBody()))).status).toBe(200)
    // The newest block is a minute old: in its time the receipt is from the future.
    chain.now = () => realNow() - 60n
    const { channelId } = client
    await node.drain()
    expect(chain.channels.get(channelId)?.spent).toBe(0n)
    chain.now = realNow
  })

  test('N11 an unreachable chain, then a lost answer: settled once, and known as such', async () => {
    const { client, fetch, chain, node, restart } = await startNode()
    expect((await fetch(client.request(chatBody()))).status).toBe(200)
    chain.down = true
    await node.drain()
    chain.down = false
    const second = await restart()
    chain.losesAnswers = true
    await second.node.drain()
    chain.losesAnswers = false
    expect(chain.channels.get(client.channelId)?.spent).toBe(40n)
    const third = await restart()
    await third.node.drain()
    expect(chain.channels.get(client.channelId)?.spent).toBe(40n)
    expect(third.logs.join('')).toContain('"fee":"40"')
    expect(chain.settlements).toHaveLength(1)
  })
})
