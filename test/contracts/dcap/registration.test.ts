import { computeRegistryAbi, grantProof, tdxVerifierAbi, type RegistryLog } from '@jeju/contracts'
import { createProvider } from '@jeju/sdk'
import { launchTd } from '@jeju/simulator'
import {
  addressOf,
  randomBytes32,
  signDigest,
  toHex,
  utf8,
  verifiedAttestationDigest,
} from '@jeju/verifier/protocol'
import { concat, encodeFunctionData, keccak256, parseEther } from 'viem'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { publishCollateral } from '../../../simulator/src/pki/collateral.ts'
import { APP_COMPOSE, offerOf, openMarket, stranger, type Market } from './market.ts'
import { bringAll, domainOf, otherFamily, quoteOf, statementOf, testClient } from './quotes.ts'

// A registration and its renewals, by transactions alone.

/** `ComputeRegistry.Tier` and `Status`. */
const SIMULATED = 1
const ACTIVE = 1

let market: Market

beforeAll(async () => {
  market = await openMarket()
}, 300_000)
afterAll(() => market.chain.process.stop())

test('by somebody without any right, of a family that nobody has brought', async () => {
  const platform = await otherFamily(market)
  const machine = launchTd(platform, { appCompose: APP_COMPOSE })
  const who = await stranger(market)
  const { deployment } = market.chain
  const calls = createProvider({ wallet: who.wallet, deployment })
  const agentId = await calls.mintAgent()
  await calls.stake(agentId, parseEther('0.1'))
  await calls.register(agentId, 'https://node.test')
  const signerKey = randomBytes32()
  const statement = statementOf(agentId, who.account.address, addressOf(signerKey))
  const registry = { address: deployment.computeRegistry, abi: computeRegistryAbi } as const
  const approve = { ...registry, functionName: 'approveBinding' } as const
  const approved = await who.wallet.writeContract({
    ...approve,
    args: [statement],
  })
  await who.wallet.waitForTransactionReceipt({ hash: approved })
  await bringAll(market, who, platform)

  const { quote, bindingId, blockNumber, blockHash } = await quoteOf(market, machine, statement)
  const evidence = toHex(await who.dcap.evidenceOf(quote, new Uint8Array(32)))
  const evidenceHash = keccak256(concat([blockHash, evidence]))
  const { timestamp: deadline } = await testClient(market).getBlock()
  const verifierIndex = BigInt(market.tdx.verifierIndex)
  const signed = {
    bindingId,
    verifierIndex,
    evidenceHash,
    blockNumber,
    deadline: deadline + 600n,
  }
  const signature = signDigest(verifiedAttestationDigest(signed, domainOf(market)), signerKey)
  const attest = encodeFunctionData({
    abi: computeRegistryAbi,
    functionName: 'attest',
    args: [statement, verifierIndex, evidence, blockNumber, signed.deadline, signature],
  })
  const call = { to: deployment.computeRegistry, data: attest }
  const { gas } = await who.dcap.estimate(call)
  await who.send({ ...call, gas: (gas * 9n) / 8n })

  const read = { ...registry, args: [bindingId] } as const
  const [valid, { tier }] = await who.wallet.readContract({ ...read, functionName: 'bindingOf' })
  expect({ valid, tier }).toEqual({ valid: true, tier: SIMULATED })
  const [status] = await who.wallet.readContract({ ...read, functionName: 'statusOf' })
  expect(status).toBe(ACTIVE)
  // The registry knows the very evidence, from what its events tell, and its verifier finds no fault in it.
  const logs = await testClient(market).getContractEvents({ ...registry, fromBlock: 0n })
  const proof = grantProof(logs as RegistryLog[], { agentId, bindingId, evidenceHash })
  const refuted = await who.wallet.readContract({
    ...registry,
    functionName: 'refutesEvidence',
    args: [bindingId, statement, concat([blockHash, evidence]), proof],
  })
  expect(refuted).toBe(false)
  // The same again is refused in words as well.
  await expect(who.dcap.estimate(call)).rejects.toMatchObject({
    message: expect.stringMatching(
      /^block: expected one after \d+, which the last grant names/,
    ) as string,
  })

  // Renewed by a transaction that names the binding, once the chain knows the attestation key.
  const next = await quoteOf(market, machine, statement)
  const [batch, ...others] = await who.dcap.plan(next.quote, offerOf(platform.pki), true)
  expect(others).toEqual([])
  expect(batch?.steps.map(({ name, why }) => ({ name, why }))).toEqual([
    { name: 'attestation key', why: 'missing' },
  ])
  await who.dcap.bring(batch === undefined ? [] : [batch], who.send)
  expect(await who.dcap.plan(next.quote, offerOf(platform.pki), true)).toEqual([])
  const report = await who.dcap.evidenceOf(next.quote, new Uint8Array(32))
  expect(report.subarray(0, 2)).toEqual(Uint8Array.of(2, 1))
  expect(report).toHaveLength(66 + 764)
  const renewal = {
    to: deployment.computeRegistry,
    data: encodeFunctionData({
      abi: computeRegistryAbi,
      functionName: 'renew',
      args: [agentId, bindingId, next.blockNumber, toHex(report)],
    }),
  }
  const cost = await who.dcap.estimate(renewal)
  await who.send({ ...renewal, gas: (cost.gas * 9n) / 8n })
  const [, renewed] = await who.wallet.readContract({ ...read, functionName: 'bindingOf' })
  expect(renewed.blockNumber).toBe(next.blockNumber)
  const later = (await testClient(market).getContractEvents({
    ...registry,
    fromBlock: 0n,
  })) as RegistryLog[]
  const proven = grantProof(later, {
    agentId,
    bindingId,
    evidenceHash: keccak256(concat([next.blockHash, toHex(report)])),
  })
  expect(
    await who.wallet.readContract({
      ...registry,
      functionName: 'refutesEvidence',
      args: [bindingId, statement, concat([next.blockHash, toHex(report)]), proven],
    }),
  ).toBe(false)

  // Other levels make a renewal dearer until the key is brought again.
  const at = new Date(Date.now() + 2000)
  const { tcbInfo } = await publishCollateral(platform.pki, at, { tcbStatus: 'SWHardeningNeeded' })
  const upsert = {
    abi: tdxVerifierAbi,
    functionName: 'upsertTcbInfo',
    args: [toHex(utf8(tcbInfo.text)), toHex(tcbInfo.signature)],
  } as const
  await who.send({
    to: market.tdx.tdxVerifier,
    data: encodeFunctionData(upsert),
    gas: 1_000_000n,
  })
  const [anew] = await who.dcap.plan(next.quote, offerOf(platform.pki), true)
  expect(anew?.steps.map(({ name, why }) => ({ name, why }))).toEqual([
    { name: 'attestation key', why: 'replaced' },
  ])
  expect(await who.dcap.plan(next.quote, offerOf(platform.pki))).toEqual([])
  await who.dcap.bring(anew === undefined ? [] : [anew], who.send)
  expect(await who.dcap.plan(next.quote, offerOf(platform.pki), true)).toEqual([])
})
