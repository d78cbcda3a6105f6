import { setTimeout as delay } from 'node:timers/promises'
import { ledgerManagerAbi } from '@jeju/contracts'
import {
  addressOf,
  authDigest,
  randomBytes32,
  signVoucher,
  toHex,
  type Hex,
  type SignedVoucher,
} from '@jeju/verifier/protocol'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { createTurns } from '../../enclave/src/chain/turns.ts'
import { connectChain } from '../../enclave/src/chain/viem-chain.ts'
import { connectSettlementChain } from '../../enclave/src/chain/viem-settlement-chain.ts'
import type { Metrics } from '../../enclave/src/metrics.ts'
import type { Journal } from '../../enclave/src/payment/journal.ts'
import { openJournalOn } from './setting/journal.ts'
import {
  NO_COLLATERAL,
  startSettlementNetwork,
  type SettlementNetwork,
} from './setting/settlement-network.ts'
import { openQueue } from './setting/settlement-queue.ts'
import { cleanUp, TestClock, until } from './setting/start-node.ts'

/** Vouchers against the deployed contracts, on a chain whose blocks and pool a test disturbs. */

const GWEI = 10n ** 9n
let network: SettlementNetwork
let snapshot: Hex
const ends: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  network = await startSettlementNetwork()
})
beforeEach(async () => {
  snapshot = await network.anvil.snapshot()
})
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
  await network.dropPending()
  await network.anvil.revert({ id: snapshot })
  await network.anvil.setAutomine(true)
})
afterAll(async () => {
  await network.chain.process.stop()
  await cleanUp()
})

interface Setting {
  readonly channelId: Hex
  readonly journal: Journal
  readonly metrics: Metrics
  readonly clock: TestClock
  /** A request that was answered for so much, with a voucher of this sum. */
  charge(fee: bigint, cumulative: bigint): Promise<void>
  voucher(cumulative: bigint): SignedVoucher
  settle(): Promise<void>
  spent(): Promise<bigint>
  transactions(): Promise<number>
}

async function open(signerKey = network.signerKey): Promise<Setting> {
  const { chain, operator, anvil } = network
  const { deployment, rpcUrl } = chain
  const serving = {
    chainId: BigInt(deployment.chainId),
    verifyingContract: deployment.inferenceServing,
  }
  const clock = new TestClock()
  const { journal, store } = await openJournalOn(undefined, clock)
  ends.push(() => store.close())
  const turns = createTurns()
  const terms = { rpcs: { urls: [rpcUrl], fetch }, deployment, signerKey, operator, turns }
  const { queue, metrics } = await openQueue({
    chain: connectSettlementChain(terms),
    channels: connectChain(terms.rpcs, deployment, signerKey, turns, NO_COLLATERAL),
    journal,
    store,
    now: clock.now,
    confirmations: 3,
  })
  const { channelId, sessionKey } = await network.openVoucherChannel()
  const voucher = (cumulative: bigint): SignedVoucher =>
    signVoucher({ channelId, cumulative }, serving, sessionKey)
  return {
    channelId,
    journal,
    metrics,
    clock,
    voucher,
    charge: async (fee, cumulative) => {
      const item = await network.item()
      const auth = { ...item.auth, channelId, nonce: BigInt(toHex(randomBytes32())), maxFee: fee }
      const authHash = authDigest(auth, serving)
      const { locked, spent } = await network.channelOf(channelId)
      const taken = journal.vouchers.take({
        channelId,
        voucher: voucher(cumulative),
        signer: addressOf(sessionKey),
        locked,
        spent,
        reserved: journal.reserved(channelId),
        maxFee: fee,
      })
      await journal.start(authHash, auth, taken)
      const receipt = { ...item.receipt, authHash }
      await journal.finish({ ...item, auth, receipt }, fee)
    },
    settle: async () => {
      await queue.settleNow()
      if (!(await anvil.getAutomine())) return
      // Anvil takes a transaction before it mines it.
      await until(async () => (await anvil.getTxpoolStatus()).pending === 0)
      await queue.settleNow()
    },
    spent: async () => (await network.channelOf(channelId)).spent,
    transactions: async () => (await store.all('SELECT hash FROM transactions')).length,
  }
}

test('many answers become money by one small transaction, closed under enough blocks only', async () => {
  const { charge, settle, spent, journal, channelId, metrics, transactions } = await open()
  for (let at = 1n; at <= 24n; at++) await charge(1_000n * GWEI, at * 1_000n * GWEI)
  await settle()
  expect(await spent()).toBe(24_000n * GWEI)
  expect(await transactions()).toBe(1)
  expect(journal.owed(channelId)).toBe(24_000n * GWEI)
  await network.anvil.mine({ blocks: 2 })
  await settle()
  expect(journal.owed(channelId)).toBe(0n)
  expect(await transactions()).toBe(1)
  const text = await metrics.text()
  expect(text).toContain('jeju_vouchers_settled_total 1')
  expect(text).toContain('jeju_settled_gwei_total 24000')
})

test('N14 a reorganisation takes the payment back, and it is sent again', async () => {
  const { charge, settle, spent, journal, channelId, metrics } = await open()
  await charge(GWEI, GWEI)
  const point = await network.anvil.snapshot()
  await settle()
  expect(await spent()).toBe(GWEI)
  await network.anvil.revert({ id: point })
  expect(await spent()).toBe(0n)
  await settle()
  await settle()
  expect(await metrics.text()).toContain('jeju_settlement_events_total{event="taken_back"} 1')
  await network.anvil.mine({ blocks: 3 })
  await settle()
  expect(await spent()).toBe(GWEI)
  expect(journal.owed(channelId)).toBe(0n)
})

test('a transaction that gets stuck is replaced under the same nonce with more for its gas', async () => {
  const { charge, settle, spent, clock, transactions, journal, channelId } = await open()
  await charge(10n ** 16n, 10n ** 16n)
  await network.anvil.setAutomine(false)
  await settle()
  clock.pass(46)
  await settle()
  expect(await transactions()).toBe(2)
  await network.anvil.mine({ blocks: 3 })
  await settle()
  expect(await spent()).toBe(10n ** 16n)
  expect(journal.owed(channelId)).toBe(0n)
})

test('a claim whose nonce another transaction has taken is made again, and once', async () => {
  const { charge, settle, spent, journal, channelId, transactions } = await open()
  await charge(GWEI, GWEI)
  const { anvil, signer } = network
  await anvil.setAutomine(false)
  await settle()
  const nonce = await anvil.getTransactionCount({ address: signer })
  const { maxFeePerGas } = await anvil.estimateFeesPerGas()
  await anvil.sendTransaction({
    account: signer,
    to: signer,
    nonce,
    maxFeePerGas: maxFeePerGas + 40n * GWEI,
    maxPriorityFeePerGas: 20n * GWEI,
    chain: null,
  })
  await anvil.mine({ blocks: 1 })
  expect(await spent()).toBe(0n)
  await anvil.setAutomine(true)
  await settle()
  await settle()
  expect(await transactions()).toBe(2)
  expect(await spent()).toBe(GWEI)
  await anvil.mine({ blocks: 3 })
  await settle()
  expect(journal.owed(channelId)).toBe(0n)
})

test('P19 a claim that another one has overtaken pays nothing twice', async () => {
  const { charge, settle, spent, journal, channelId, voucher } = await open()
  await charge(GWEI, GWEI)
  await network.anvil.setAutomine(false)
  await settle()
  // A replica was shown more, and its claim comes first, in the same block.
  const { deployment, rpcUrl } = network.chain
  const other = connectSettlementChain({
    rpcs: { urls: [rpcUrl], fetch },
    deployment,
    signerKey: network.chain.privateKey(3),
    operator: network.operator,
    turns: createTurns(),
  })
  const { maxFeePerGas } = await other.gasFees()
  const raised = { maxFeePerGas: maxFeePerGas + 20n * GWEI, maxPriorityFeePerGas: 10n * GWEI }
  const { next: nonce } = await other.accountNonces()
  const claim = voucher(3n * GWEI)
  const signed = await other.sign({ voucher: claim }, { ...raised, nonce, gas: 200_000n })
  await other.broadcast(signed.raw)
  await delay(50)
  await network.anvil.mine({ blocks: 3 })
  await settle()
  expect(await spent()).toBe(3n * GWEI)
  // It is counted as another's: what this node has charged comes on top.
  expect(journal.owed(channelId)).toBe(GWEI)
  await network.anvil.setAutomine(true)
  await charge(GWEI, 5n * GWEI)
  await settle()
  expect(await spent()).toBe(5n * GWEI)
})

test('a channel that its payee has closed pays nothing, and is let go of a day later', async () => {
  const { charge, settle, transactions, clock, spent, journal, channelId } = await open()
  await charge(GWEI, GWEI)
  const { operator, chain, anvil } = network
  await anvil.impersonateAccount({ address: operator })
  const hash = await anvil.writeContract({
    account: operator,
    address: chain.deployment.ledgerManager,
    abi: ledgerManagerAbi,
    functionName: 'releaseChannel',
    args: [channelId],
    chain: null,
  })
  await anvil.waitForTransactionReceipt({ hash, pollingInterval: 50 })
  await settle()
  expect(await transactions()).toBe(0)
  clock.pass(25 * 3_600)
  await settle()
  expect(await spent()).toBe(0n)
  expect(journal.owed(channelId)).toBe(0n)
})
