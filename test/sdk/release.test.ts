import { CHANNEL_MODES, inferenceServingAbi, ledgerManagerAbi } from '@jeju/contracts'
import {
  connectWallet,
  createLedger,
  createReleaseDesk,
  owedByNodes,
  type ReleaseDeskOptions,
  type Wallet,
} from '@jeju/sdk'
import {
  addressOf,
  encodeRelease,
  randomBytes32,
  signDigest,
  signRelease,
  type ContractDomain,
  type Hex,
} from '@jeju/verifier/protocol'
import { parseSignature, publicActions, signatureToCompactSignature } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startChain, type LocalChain } from '../../demo/network/chain.ts'
import { offerService, walletOf } from '../offered-service.ts'

/** A provider's desk on the deployed contracts. */

let chain: LocalChain
let agentId: bigint
beforeAll(async () => {
  chain = await startChain()
  const price = { inPerMTok: 10n, outPerMTok: 20n, maxOutputTokens: 256 }
  ;({ agentId } = await offerService(chain, 0, price))
})
afterAll(() => chain.process.stop())

const wallet = (index: number): Wallet => walletOf(chain, index)

async function openChannel(): Promise<{ channelId: Hex; sessionKey: Uint8Array }> {
  const sessionKey = randomBytes32()
  const { channelId } = await createLedger({
    wallet: wallet(1),
    deployment: chain.deployment,
  }).openChannel({
    agentId,
    serviceId: 0,
    priceVersion: 1,
    amount: 100n,
    sessionKey: addressOf(sessionKey),
  })
  return { channelId, sessionKey }
}

function ledgerDomain(): ContractDomain {
  const { chainId, ledgerManager } = chain.deployment
  return { chainId: BigInt(chainId), verifyingContract: ledgerManager }
}

interface Asked {
  readonly channelId: Hex
  readonly sessionKey: Uint8Array
  readonly paid?: bigint
  readonly deadline?: bigint
  readonly domain?: ContractDomain
}

function asked(of: Asked): Request {
  const { channelId, sessionKey, paid = 0n, domain = ledgerDomain() } = of
  const { deadline = BigInt(Math.floor(Date.now() / 1000)) + 60n } = of
  const body = encodeRelease(signRelease({ channelId, paid, deadline }, domain, sessionKey))
  return new Request('https://desk.test/release', { method: 'POST', body })
}

function deskOf(options: Partial<ReleaseDeskOptions> = {}): (of: Request) => Promise<Response> {
  const { deployment } = chain
  return createReleaseDesk({ wallet: wallet(0), deployment, owed: async () => 0n, ...options })
}

const outcome = async (response: Response): Promise<unknown> => {
  const body = (await response.json()) as { error?: { code: string } }
  return body.error?.code ?? response.status
}

test('a channel is closed in the favour of its user at once', async () => {
  const channel = await openChannel()
  const ledger = createLedger({ wallet: wallet(1), deployment: chain.deployment })
  const before = await ledger.availableOf()
  expect(await outcome(await deskOf()(asked(channel)))).toBe(200)
  expect((await ledger.channelOf(channel.channelId)).state).toBe('CLOSED')
  expect(await ledger.availableOf()).toBe(before + 100n)
  expect(await outcome(await deskOf()(asked(channel)))).toBe('release_unauthorized')
})

test('a channel whose refund runs already is released all the same', async () => {
  const channel = await openChannel()
  const ledger = createLedger({ wallet: wallet(1), deployment: chain.deployment })
  await ledger.requestRefund(channel.channelId)
  expect(await outcome(await deskOf()(asked(channel)))).toBe(200)
})

test('several at once are released one after another', async () => {
  const channels = [await openChannel(), await openChannel(), await openChannel()]
  const desk = deskOf()
  const answers = await Promise.all(channels.map(async (channel) => desk(asked(channel))))
  expect(await Promise.all(answers.map(outcome))).toEqual([200, 200, 200])
})

test('nobody but the session key of a channel of this payee is heard, in time and in this ledger', async () => {
  const channel = await openChannel()
  const now = BigInt(Math.floor(Date.now() / 1000))
  const other = { ...ledgerDomain(), verifyingContract: chain.deployment.inferenceServing }
  const requests: Asked[] = [
    { ...channel, sessionKey: randomBytes32() },
    { ...channel, deadline: now - 1n },
    { ...channel, deadline: now + 3600n },
    { ...channel, domain: other },
    { ...channel, domain: { ...ledgerDomain(), chainId: 1n } },
    { ...channel, channelId: `0x${'77'.repeat(32)}` },
  ]
  for (const request of requests) {
    expect(await outcome(await deskOf()(asked(request)))).toBe('release_unauthorized')
  }
  const elsewhere = deskOf({ wallet: wallet(2) })
  expect(await outcome(await elsewhere(asked(channel)))).toBe('release_unauthorized')
})

test('N11 the nodes hear of a release before anything is settled', async () => {
  const channel = await openChannel()
  let heard = 0
  const desk = deskOf({
    owed: async () => {
      heard++
      return 0n
    },
  })
  expect(await outcome(await desk(asked({ ...channel, paid: 1n })))).toBe('release_not_settled')
  expect(heard).toBe(1)
})

test('what is owed is settled first, whoever states it', async () => {
  const channel = await openChannel()
  const byUser = await deskOf()(asked({ ...channel, paid: 1n }))
  expect(byUser.headers.get('retry-after')).toBe('10')
  expect(await outcome(byUser)).toBe('release_not_settled')
  const byNode = deskOf({ owed: async () => 5n })
  expect(await outcome(await byNode(asked(channel)))).toBe('release_not_settled')
})

/** A channel of which 40 wei are settled: of vouchers, since a receipt takes a node. */
async function spentChannel(): Promise<{ channelId: Hex; sessionKey: Uint8Array }> {
  const sessionKey = randomBytes32()
  const client = wallet(1).extend(publicActions)
  const { ledgerManager, inferenceServing } = chain.deployment
  const opening = {
    user: client.account.address,
    agentId,
    serviceId: 0,
    priceVersion: 1,
    mode: CHANNEL_MODES.indexOf('VOUCHER'),
    amount: 100n,
    sessionKey: addressOf(sessionKey),
    salt: 1n,
  }
  const open = await client.simulateContract({
    address: ledgerManager,
    abi: ledgerManagerAbi,
    functionName: 'openChannel',
    args: [opening],
    value: 100n,
  })
  await client.waitForTransactionReceipt({ hash: await client.writeContract(open.request) })
  const voucher = { channelId: open.result, cumulative: 40n }
  const serving = { address: inferenceServing, abi: inferenceServingAbi } as const
  const digest = await client.readContract({
    ...serving,
    functionName: 'voucherDigest',
    args: [voucher],
  })
  const { r, yParityAndS: vs } = signatureToCompactSignature(
    parseSignature(signDigest(digest, sessionKey)),
  )
  const settle = await client.simulateContract({
    ...serving,
    functionName: 'settleVoucher',
    args: [voucher, { r, vs }],
  })
  await client.waitForTransactionReceipt({ hash: await client.writeContract(settle.request) })
  return { channelId: open.result, sessionKey }
}

test('N11 what was settled before does not pay for what is owed now', async () => {
  // 40 wei are spent, and 1 is owed: a count of what is outstanding is no sum of everything, to be compared with it.
  const channel = await spentChannel()
  const asked_: unknown[] = []
  const desk = deskOf({
    owed: async (release) => {
      asked_.push(release)
      return 1n
    },
  })
  expect(await outcome(await desk(asked(channel)))).toBe('release_not_settled')
  expect(asked_).toMatchObject([{ channelId: channel.channelId, paid: 0n }])
  // Nobody asks the nodes by what no user signed, and no node's silence is a zero.
  expect(await outcome(await desk(asked({ ...channel, sessionKey: randomBytes32() })))).toBe(
    'release_unauthorized',
  )
  expect(asked_).toHaveLength(1)
  const silent = deskOf({ owed: owedByNodes([new URL('http://127.0.0.1:9')]) })
  const answer = await silent(asked(channel))
  expect(await answer.clone().text()).not.toContain('127.0.0.1')
  expect(await outcome(answer)).toBe('release_failed')
})

test.each(['', '{}', 'null', `{"v":1}`, 'x'.repeat(5000)])(
  'what is no release is refused: %#',
  async (body) => {
    const request = new Request('https://desk.test', { method: 'POST', body })
    expect(await outcome(await deskOf()(request))).toBe('release_invalid')
  },
)

test('another method, and a chain that does not answer', async () => {
  expect(await outcome(await deskOf()(new Request('https://desk.test')))).toBe('release_invalid')
  const channel = await openChannel()
  const { chainId } = chain
  const account = chain.account(0)
  const dead = connectWallet({ rpcUrl: 'http://127.0.0.1:9', chainId, account })
  const response = await deskOf({ wallet: dead })(asked(channel))
  expect(await outcome(response)).toBe('release_failed')
})
