import { identityRegistryAbi } from '@jeju/contracts'
import { connectWallet, createLedger, createProvider } from '@jeju/sdk'
import type { Hex } from '@jeju/verifier/protocol'
import { createPublicClient, decodeAbiParameters, getAddress, http } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startChain, type LocalChain } from '../../demo/network/chain.ts'
import { createChainReader } from '../../sdk/src/chain/chain-reader.ts'
import { createChainClient } from '../../sdk/src/chain/viem-client.ts'

/** The same calls as in chain.test.ts and operator.test.ts, against the deployed contracts. */

let chain: LocalChain
beforeAll(async () => {
  chain = await startChain()
})
afterAll(() => chain.process.stop())

const MODEL_ID: Hex = `0x${'ab'.repeat(32)}`
const SESSION_KEY: Hex = `0x${'11'.repeat(20)}`
const REFUND_DELAY_S = 24 * 3600

test('an operator offers a service, a user pays into a channel and takes the rest back', async () => {
  const { deployment, rpcUrl, chainId } = chain
  const wallet = (index: number): ReturnType<typeof connectWallet> =>
    connectWallet({ rpcUrl, chainId, account: chain.account(index) })
  const operator = createProvider({ wallet: wallet(0), deployment })

  const agentId = await operator.mintAgent('data:,')
  await expect(operator.register(agentId, 'https://node.test')).rejects.toMatchObject({
    message: 'register: InsufficientBond(100000000000000000, 0)',
  })
  await operator.stake(agentId, 10n ** 17n)
  await operator.register(agentId, 'https://node.test')
  await expect(operator.registrationOf(agentId)).rejects.toMatchObject({
    code: 'REGISTRATION_FILE',
  })
  await operator.publish(agentId, { name: 'node', description: 'test' })
  await operator.publish(agentId, { name: 'node', description: 'again' })
  expect(await operator.registrationOf(agentId)).toMatchObject({
    name: 'node',
    description: 'again',
  })
  const metadata = await createPublicClient({ transport: http(rpcUrl) }).readContract({
    address: deployment.identityRegistry,
    abi: identityRegistryAbi,
    functionName: 'getMetadata',
    args: [agentId, 'computeRegistry'],
  })
  expect(decodeAbiParameters([{ type: 'uint256' }, { type: 'address' }], metadata)).toEqual([
    BigInt(chainId),
    getAddress(deployment.computeRegistry),
  ])
  const price = { inPerMTok: 10n, outPerMTok: 20n, maxOutputTokens: 256 }
  const serviceId = await operator.addService(agentId, MODEL_ID, 'enclave-mini', price)

  const reader = createChainReader(createChainClient(wallet(1), deployment), deployment)
  expect(await reader.provider(agentId)).toMatchObject({ active: true })
  expect(await reader.services(agentId)).toMatchObject([
    { serviceId, modelId: MODEL_ID, modelName: 'enclave-mini', active: true },
  ])
  expect(await reader.currentPrice(agentId, serviceId)).toMatchObject({ version: 1, ...price })
  expect(await reader.provider(99n)).toMatchObject({ active: false })
  expect(await reader.binding(MODEL_ID)).toMatchObject({ valid: false })

  const ledger = createLedger({ wallet: wallet(1), deployment })
  const opening = { agentId, serviceId, priceVersion: 1, amount: 250n, sessionKey: SESSION_KEY }
  await ledger.deposit(100n)
  const { channelId } = await ledger.openChannel(opening)
  await ledger.topUp(channelId, 50n)
  expect(await ledger.channelOf(channelId)).toMatchObject({
    mode: 'RECEIPT',
    state: 'OPEN',
    agentId,
    locked: 300n,
    sessionKey: SESSION_KEY,
  })
  expect(await ledger.availableOf()).toBe(0n)
  await expect(ledger.openChannel({ ...opening, agentId: 9n })).rejects.toMatchObject({
    message: 'openChannel: ProviderNotActive(9)',
  })
  await ledger.requestRefund(channelId)
  await chain.passTime(REFUND_DELAY_S + 1)
  await ledger.completeRefund(channelId)
  expect((await ledger.channelOf(channelId)).state).toBe('CLOSED')
  await ledger.withdraw(300n)
  await Promise.all([1n, 2n, 3n].map((amount) => ledger.deposit(amount)))
  expect(await ledger.availableOf()).toBe(6n)
})
