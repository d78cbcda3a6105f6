import { MAX_SETTLE_BATCH, type Hex } from '@jeju/verifier/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import type { SettlementItem, SettlementStatus } from '../../enclave/src/chain/node-chain.ts'
import { createLogger } from '../../enclave/src/logging.ts'
import { openJournal, type Journal } from '../../enclave/src/payment/journal.ts'
import { createSettler } from '../../enclave/src/payment/settler.ts'
import { cleanUp, startNode, temporaryFolder, TestClock } from './setting/start-node.ts'
import { TestChain } from './setting/test-chain.ts'
import { chatBody, digestOf } from './setting/test-client.ts'

afterAll(cleanUp)

const SIGNATURE: Hex = `0x${'5a'.repeat(65)}`

/** A chain that answers each item with the status its nonce stands for. */
class StatusChain extends TestChain {
  statuses: readonly SettlementStatus[] = []
  readonly batches: number[] = []

  override preview(items: readonly SettlementItem[]): Promise<readonly SettlementStatus[]> {
    this.batches.push(items.length)
    return Promise.resolve(items.map(({ auth }) => this.statuses[Number(auth.nonce)] ?? 'paid'))
  }

  override settle(items: readonly SettlementItem[]): Promise<ReadonlyMap<Hex, bigint>> {
    this.settlements.push(items)
    return Promise.resolve(new Map(items.map(({ receipt }) => [receipt.authHash, 1n])))
  }
}

async function journalWith(count: number, clock = new TestClock()): Promise<Journal> {
  const journal = await openJournal(await temporaryFolder(), clock.now)
  for (let nonce = 0; nonce < count; nonce++) {
    const authHash = digestOf(`auth ${nonce}`)
    const auth = {
      channelId: digestOf('channel'),
      nonce: BigInt(nonce),
      bindingId: digestOf('binding'),
      requestHash: digestOf('request'),
      maxFee: 100n,
      validUntil: BigInt(Math.floor(Date.now() / 1000)) + 600n,
    }
    const receipt = {
      authHash,
      responseHash: digestOf('response'),
      inputTokens: 1,
      outputTokens: 1,
      finish: 0,
      issuedAt: 1n,
    }
    await journal.start(authHash, auth)
    await journal.finish({ auth, authSig: SIGNATURE, receipt, receiptSig: SIGNATURE }, 1n)
  }
  return journal
}

const silent = createLogger('silent')

describe('settlement', () => {
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
    const chain = new StatusChain(new TestClock().now)
    chain.statuses = statuses
    const journal = await journalWith(statuses.length)
    const settler = createSettler(chain, journal, 1000, silent)
    await settler.settleNow()
    const waiting = journal.unsettled().map(({ auth }) => statuses[Number(auth.nonce)])
    expect(waiting).toEqual(['underfunded', 'bad_auth', 'bad_receipt', 'bad_binding'])
    expect(chain.settlements.map((items) => items.map(({ auth }) => auth.nonce))).toEqual([[0n]])
    chain.statuses = []
    await settler.settleNow()
    expect(journal.unsettled()).toEqual([])
    await journal.close()
  })

  test('batches are within the contract', async () => {
    const chain = new StatusChain(new TestClock().now)
    const journal = await journalWith(2 * MAX_SETTLE_BATCH + 1)
    await createSettler(chain, journal, 1000, silent).settleNow()
    expect(chain.batches).toEqual([MAX_SETTLE_BATCH, MAX_SETTLE_BATCH, 1])
    expect(journal.unsettled()).toEqual([])
    await journal.close()
  })

  test('one item that cannot be paid holds no other back', async () => {
    const chain = new StatusChain(new TestClock().now)
    chain.statuses = ['bad_auth']
    const journal = await journalWith(3)
    await createSettler(chain, journal, 1000, silent).settleNow()
    expect(journal.unsettled()).toHaveLength(1)
    await journal.close()
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

  test('an unreachable chain, then a lost answer: settled once, and known as such', async () => {
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
    expect(third.logs.join('')).toContain('already_used')
    expect(chain.settlements).toHaveLength(1)
  })
})
