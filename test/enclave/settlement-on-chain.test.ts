import { addressOf, toHex, type Hex } from '@jeju/verifier/protocol'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { privateKeyToAccount } from 'viem/accounts'
import { startFaultyRpc, type FaultyRpc } from './setting/faulty-rpc.ts'
import {
  feeOfTokens,
  startSettlementNetwork,
  type SettlementNetwork,
} from './setting/settlement-network.ts'
import {
  openQueueOnChain,
  type QueueOnChain,
  type QueueOnChainOptions,
} from './setting/settlement-queue-on-chain.ts'
import { cleanUp } from './setting/start-node.ts'

/** The queue against the deployed contracts, on a chain whose blocks, pool and RPCs a test disturbs. */

let network: SettlementNetwork
let rpcs: readonly [FaultyRpc, FaultyRpc, FaultyRpc]
let snapshot: Hex
const ends: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  network = await startSettlementNetwork()
  const { rpcUrl } = network.chain
  rpcs = [await startFaultyRpc(rpcUrl), await startFaultyRpc(rpcUrl), await startFaultyRpc(rpcUrl)]
})
beforeEach(async () => {
  snapshot = await network.anvil.snapshot()
})
afterEach(async () => {
  for (const rpc of rpcs) rpc.mode = 'ok'
  for (const end of ends.splice(0)) await end()
  // What a test left in the pool would be mined into the next one, under a nonce of the same account.
  await network.dropPending()
  await network.anvil.revert({ id: snapshot })
  await network.anvil.setAutomine(true)
})
afterAll(async () => {
  for (const rpc of rpcs) await rpc.close()
  await network.chain.process.stop()
  await cleanUp()
})

async function open(options: QueueOnChainOptions = {}): Promise<QueueOnChain> {
  const urls = rpcs.map(({ url }) => url)
  const opened = await openQueueOnChain(network, { urls, ...options })
  ends.push(() => opened.store.close())
  return opened
}

test('receipts become money, and are closed under enough blocks only', async () => {
  const { queue, owe, states, metrics } = await open()
  const before = await network.spent()
  await owe(1_000)
  await owe(2_000)
  await queue.settleNow()
  expect(await states()).toEqual(['included', 'included'])
  expect((await network.spent()) - before).toBe(feeOfTokens(3_000))
  await network.anvil.mine({ blocks: 1 })
  await queue.settleNow()
  expect(await states()).toEqual(['included', 'included'])
  await network.anvil.mine({ blocks: 1 })
  await queue.settleNow()
  expect(await states()).toEqual(['paid', 'paid'])
  const text = await metrics.text()
  expect(text).toContain('jeju_receipts_settled_total 2')
  expect(text).toContain('jeju_settled_gwei_total 3000')
  expect(text).toContain(`jeju_funds_gwei{of="claimable"} 3000`)
})

test('N14 a reorganisation takes the payment back, and it is sent again', async () => {
  const { queue, owe, states, metrics, journal } = await open()
  const before = await network.spent()
  const item = await owe()
  const point = await network.anvil.snapshot()
  await queue.settleNow()
  expect(await states()).toEqual(['included'])
  await network.anvil.revert({ id: point })
  expect(await network.spent()).toBe(before)
  await network.anvil.setAutomine(false)
  await queue.settleNow()
  expect(await states()).toEqual(['sent'])
  // Promised again: the channel has not paid it.
  expect(journal.reserved(item.auth.channelId)).toBe(feeOfTokens(1_000_000))
  expect(await metrics.text()).toContain('jeju_settlement_events_total{event="taken_back"} 1')
  await network.anvil.mine({ blocks: 3 })
  await queue.settleNow()
  expect(await states()).toEqual(['paid'])
  expect((await network.spent()) - before).toBe(feeOfTokens(1_000_000))
})

test('a transaction that gets stuck is replaced under the same nonce with more for its gas', async () => {
  const { queue, owe, states, clock, transactions, metrics } = await open()
  await network.anvil.setAutomine(false)
  await owe()
  await queue.settleNow()
  clock.pass(20)
  await queue.settleNow()
  expect(await transactions()).toHaveLength(1)
  clock.pass(26)
  await queue.settleNow()
  clock.pass(46)
  await queue.settleNow()
  const sent = await transactions()
  expect(sent).toHaveLength(3)
  for (const [index, { maxFee }] of sent.entries()) {
    expect(maxFee).toBeGreaterThanOrEqual(((sent[index - 1]?.maxFee ?? 0n) * 9n) / 8n)
  }
  expect(await metrics.text()).toContain('jeju_settlement_events_total{event="replaced"} 2')
  await network.anvil.mine({ blocks: 3 })
  await queue.settleNow()
  expect(await states()).toEqual(['paid'])
})

test('a replacement never offers more than the batch brings', async () => {
  const tokens = 500_000
  const { queue, owe, clock, transactions } = await open({ worth: 1 })
  await network.anvil.setAutomine(false)
  await owe(tokens)
  await queue.settleNow()
  expect(await transactions()).toHaveLength(1)
  for (let round = 0; round < 12; round++) {
    clock.pass(46)
    await queue.settleNow()
  }
  const sent = await transactions()
  expect(sent.length).toBeLessThan(12)
  // A settlement of one item takes more than 100,000 gas.
  expect((sent.at(-1)?.maxFee ?? 0n) * 100_000n).toBeLessThanOrEqual(feeOfTokens(tokens))
})

test('what a rollup charges for the place of its data counts beside the gas', async () => {
  const { queue, owe, states } = await open({ worth: 1 })
  const address = '0x420000000000000000000000000000000000000F'
  // The oracle of OP Stack as far as it is asked: so much wei for each byte.
  const priced = (weiPerByte: bigint): Hex =>
    `0x60043567${weiPerByte.toString(16).padStart(16, '0')}025f5260205ff3`
  await owe()
  await network.anvil.setCode({ address, bytecode: priced(10n ** 13n) })
  await queue.settleNow()
  expect(await states()).toEqual(['waiting'])
  await network.anvil.setCode({ address, bytecode: '0xfe' })
  await queue.settleNow()
  expect(await states()).toEqual(['waiting'])
  await network.anvil.setCode({ address, bytecode: priced(10n ** 9n) })
  await queue.settleNow()
  expect(await states()).toEqual(['included'])
})

test('another transaction under its nonce: the items go into the next settlement', async () => {
  const { queue, owe, states, transactions } = await open()
  await network.anvil.setAutomine(false)
  await owe()
  await queue.settleNow()
  const account = privateKeyToAccount(toHex(network.signerKey))
  const maxFee = (await transactions())[0]?.maxFee ?? 0n
  const nonce = await network.anvil.getTransactionCount({ address: account.address })
  const serializedTransaction = await account.signTransaction({
    type: 'eip1559',
    chainId: network.chain.chainId,
    to: account.address,
    nonce,
    gas: 21_000n,
    maxFeePerGas: maxFee * 2n,
    maxPriorityFeePerGas: maxFee * 2n,
  })
  await network.anvil.sendRawTransaction({ serializedTransaction })
  await network.anvil.mine({ blocks: 1 })
  await network.anvil.setAutomine(true)
  await queue.settleNow()
  await network.anvil.mine({ blocks: 2 })
  await queue.settleNow()
  expect(await states()).toEqual(['paid'])
})

test('P11 test_batch_isolated: an item somebody else settled holds no other back, and leaves the queue', async () => {
  const mine = await open()
  const theirs = await open()
  const item = await mine.owe()
  await mine.owe()
  await theirs.journal.start(item.receipt.authHash, item.auth)
  await theirs.journal.finish(item, feeOfTokens(1_000_000))
  const before = await network.spent()
  await theirs.queue.settleNow()
  await mine.queue.settleNow()
  // Paid in a block that may be taken back: it waits.
  expect(await mine.states()).toEqual(['waiting', 'included'])
  await network.anvil.mine({ blocks: 3 })
  await mine.queue.settleNow()
  expect(await mine.states()).toEqual(['already_used', 'paid'])
  expect((await network.spent()) - before).toBe(2n * feeOfTokens(1_000_000))
})

test.each(['fails', 'hangs', 'garbage', 'other-chain'] as const)(
  'an RPC that %s: the others are asked',
  async (mode) => {
    const { queue, owe, states } = await open()
    rpcs[0].mode = mode
    const before = await network.spent()
    await owe()
    await queue.settleNow()
    await network.anvil.mine({ blocks: 2 })
    await queue.settleNow()
    expect(await states()).toEqual(['paid'])
    expect((await network.spent()) - before).toBe(feeOfTokens(1_000_000))
  },
)

test('an RPC that lies about blocks closes nothing; what more than half say counts', async () => {
  const { queue, owe, states } = await open()
  await network.anvil.setAutomine(false)
  await owe()
  rpcs[0].mode = 'lies'
  await queue.settleNow()
  await queue.settleNow()
  expect(await states()).toEqual(['sent'])
  // Nothing is final on the word of one against one, nor on that of one alone.
  rpcs[1].mode = 'fails'
  await network.anvil.mine({ blocks: 3 })
  await queue.settleNow()
  rpcs[2].mode = 'fails'
  await queue.settleNow()
  expect(await states()).not.toEqual(['paid'])
  for (const rpc of rpcs) rpc.mode = 'ok'
  await queue.settleNow()
  expect(await states()).toEqual(['paid'])
})

test('N11 settle_queue_survives_restart: what was signed and not sent is sent by the next start', async () => {
  const first = await open()
  await first.owe()
  await network.anvil.setAutomine(false)
  await first.queue.settleNow()
  const hash = (await first.transactions())[0]?.hash ?? '0x'
  await network.anvil.dropTransaction({ hash })
  await first.store.close()
  const second = await open({ folder: first.folder })
  second.clock.pass(11)
  await network.anvil.setAutomine(true)
  await second.queue.settleNow()
  await second.queue.settleNow()
  await network.anvil.mine({ blocks: 2 })
  await second.queue.settleNow()
  expect(await second.states()).toEqual(['paid'])
  expect(await second.transactions()).toHaveLength(1)
  expect(await network.anvil.getTransactionReceipt({ hash })).toMatchObject({
    status: 'success',
    from: addressOf(network.signerKey),
  })
})
