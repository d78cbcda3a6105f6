import {
  computeRegistryAbi,
  grantProof,
  tdxAttestationVerifierAbi,
  tdxVerifierAbi,
  type Hex,
  type RegistryLog,
} from '@jeju/contracts'
import { createProvider } from '@jeju/sdk'
import { launchTd, type SimulatedPlatform, type SimulatedTd } from '@jeju/simulator'
import {
  addressOf,
  bindingIdOf,
  randomBytes32,
  reportData,
  signDigest,
  toHex,
  utf8,
  verifiedAttestationDigest,
  ZERO_DIGEST,
  type NodeStatement,
} from '@jeju/verifier/protocol'
import {
  concat,
  createTestClient,
  encodeFunctionData,
  http,
  keccak256,
  parseEther,
  publicActions,
} from 'viem'
import { foundry } from 'viem/chains'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { issue, issueCrl } from '../../../simulator/src/pki/certificate-authority.ts'
import { publishCollateral } from '../../../simulator/src/pki/collateral.ts'
import { systemRandom } from '../../../simulator/src/pki/random-source.ts'
import { SGX_EXTENSION_OID, sgxExtension } from '../../../simulator/src/pki/sgx-extension.ts'
import { createQuotingEnclave } from '../../../simulator/src/quote/quoting-enclave.ts'
import { APP_COMPOSE, offerOf, openMarket, stranger, type Market, type Stranger } from './market.ts'

// A chain of its own under the root of a simulated machine. Every test begins with what the first one brought.

const DAY_MS = 24 * 3600 * 1000
const EVERYTHING = [
  'root certificate',
  'PCK CA certificate',
  'TCB signing certificate',
  'root CRL',
  'PCK CRL',
  'evaluation numbers',
  'QE identity',
  'TCB info',
  'PCK certificate',
]
/** `ComputeRegistry.Tier` and `Status`. */
const SIMULATED = 1
const ACTIVE = 1

let market: Market
let td: SimulatedTd

beforeAll(async () => {
  market = await openMarket()
  td = launchTd(market.platform, { appCompose: APP_COMPOSE })
}, 300_000)
beforeEach(() => market.snapshot())
afterEach(() => market.restore())
afterAll(() => market.chain.process.stop())

function testClient() {
  const transport = http(market.chain.rpcUrl)
  return createTestClient({ mode: 'anvil', chain: foundry, transport }).extend(publicActions)
}

function domain() {
  const { chainId, computeRegistry } = market.chain.deployment
  return { chainId: BigInt(chainId), verifyingContract: computeRegistry }
}

function statementOf(agentId: bigint, operator: Hex, signer: Hex): NodeStatement {
  const digest = toHex(randomBytes32())
  return {
    agentId,
    operator,
    signer,
    keysetDigest: digest,
    modelCatalogDigest: digest,
    postureDigest: digest,
    gpuDevicesDigest: ZERO_DIGEST,
    instanceId: digest,
  }
}

const ANY_STATEMENT = statementOf(0n, `0x${'0b'.repeat(20)}`, `0x${'05'.repeat(20)}`)

/** A quote over a registration in the block before the newest, and what it names. */
async function quoteOf(machine: SimulatedTd, statement: NodeStatement, changedHash?: Hex) {
  const { number, parentHash } = await testClient().getBlock()
  const bindingId = bindingIdOf(statement, domain())
  const named = { blockNumber: number - 1n, blockHash: changedHash ?? parentHash }
  const data = reportData(bindingId, { kind: 'registration', ...named }, ZERO_DIGEST)
  return { quote: await machine.quote(data), bindingId, ...named, blockHash: parentHash }
}

/** What the verifier's adapter says to evidence of this machine. */
async function appraise(who: Stranger, machine: SimulatedTd, changedHash?: Hex): Promise<void> {
  const { quote, bindingId, blockNumber, blockHash } = await quoteOf(
    machine,
    ANY_STATEMENT,
    changedHash,
  )
  const evidence = toHex(await who.dcap.evidenceOf(quote, new Uint8Array(32)))
  await who.dcap.estimate({
    to: market.tdx.attestationVerifier,
    data: encodeFunctionData({
      abi: tdxAttestationVerifierAbi,
      functionName: 'appraise',
      args: [bindingId, false, blockNumber, blockHash, evidence],
    }),
  })
}

async function bringAll(who: Stranger, platform: SimulatedPlatform = market.platform) {
  const machine = launchTd(platform, { appCompose: APP_COMPOSE })
  const { quote } = await quoteOf(machine, ANY_STATEMENT)
  return who.dcap.bring(await who.dcap.plan(quote, offerOf(platform.pki)), who.send)
}

/** Another machine under the same root, of a family of its own. */
async function otherFamily(): Promise<SimulatedPlatform> {
  const { pki } = market.platform
  const platform = { ...pki.platform, fmspc: Uint8Array.of(0x90, 0xc0, 0x6f, 0, 0, 0) }
  const at = Date.now()
  const pckLeaf = await issue({
    commonName: 'Intel SGX PCK Certificate',
    role: 'leaf',
    issuer: pki.platformCa,
    validity: { from: new Date(at - DAY_MS), until: new Date(at + 300 * DAY_MS) },
    random: systemRandom,
    crlUrl: 'https://crl.invalid',
    extensions: [{ oid: SGX_EXTENSION_OID, der: sgxExtension(platform) }],
  })
  const other = { ...pki, platform, pckLeaf }
  const quotingEnclave = await createQuotingEnclave(other, systemRandom)
  return { ...market.platform, pki: other, quotingEnclave }
}

describe('what the chain lacks', () => {
  test('anybody brings all of it in one transaction, and then nothing', async () => {
    const who = await stranger(market)
    const { quote } = await quoteOf(td, ANY_STATEMENT)
    const offer = offerOf(market.platform.pki)
    const batches = await who.dcap.plan(quote, offer)
    expect(batches.map(({ steps }) => steps.map(({ name }) => name))).toEqual([EVERYTHING])
    expect(offer.asked).toEqual(['numbers', '000000000000 19'])

    const costs: bigint[] = []
    const brought = await who.dcap.bring(batches, who.send, (_, { gas, wei, dataWei }) => {
      expect(wei).toBeGreaterThan(gas)
      expect(dataWei).toBe(0n)
      costs.push(gas)
    })
    expect(brought).toHaveLength(1)
    // An estimate is enough, and not far from it.
    expect(costs[0]).toBeGreaterThanOrEqual(brought[0]?.gasUsed ?? 0n)
    expect(await who.dcap.plan(quote, offer)).toEqual([])
    expect(offer.asked).toHaveLength(2)
    await appraise(who, td)
  })

  test('a new family of platforms needs its TCB info and its key, and nothing else', async () => {
    await bringAll(await stranger(market))
    const platform = await otherFamily()
    const who = await stranger(market)
    const brought = await bringAll(who, platform)
    expect(brought.map(({ steps }) => steps)).toEqual([['TCB info', 'PCK certificate']])
    await appraise(who, launchTd(platform, { appCompose: APP_COMPOSE }))
  })

  test('what runs out is brought again, where something later is offered', async () => {
    const who = await stranger(market)
    await bringAll(who)
    await market.chain.passTime((28 * DAY_MS) / 1000)
    const { quote } = await quoteOf(td, ANY_STATEMENT)
    // The same again would change nothing.
    expect(await who.dcap.plan(quote, offerOf(market.platform.pki))).toEqual([])
    const later = new Date(Date.now() + 28 * DAY_MS)
    const batches = await who.dcap.plan(quote, offerOf(market.platform.pki, {}, later))
    expect(batches.flatMap(({ steps }) => steps.map(({ name, why }) => `${name}: ${why}`))).toEqual(
      [
        'root CRL: runs out',
        'PCK CRL: runs out',
        'evaluation numbers: runs out',
        'QE identity: runs out',
        'TCB info: runs out',
      ],
    )
    await who.dcap.bring(batches, who.send)
    await market.chain.passTime((10 * DAY_MS) / 1000)
    await appraise(who, td)
  })

  test('a part that somebody else sends first changes nothing', async () => {
    const who = await stranger(market)
    const { quote } = await quoteOf(td, ANY_STATEMENT)
    const batches = await who.dcap.plan(quote, offerOf(market.platform.pki))
    await bringAll(await stranger(market))
    expect(await who.dcap.bring(batches, who.send)).toHaveLength(1)
  })

  test('a refused step is named, and nothing is sent', async () => {
    const who = await stranger(market)
    const { quote } = await quoteOf(td, ANY_STATEMENT)
    const genuine = offerOf(market.platform.pki)
    const forged = {
      ...genuine,
      collateralFor: async (...asked: Parameters<typeof genuine.collateralFor>) => ({
        ...(await genuine.collateralFor(...asked)),
        tcbInfoSignature: new Uint8Array(64).fill(1),
      }),
    }
    const before = await who.wallet.getTransactionCount({ address: who.account.address })
    await expect(
      who.dcap.bring(await who.dcap.plan(quote, forged), who.send),
    ).rejects.toMatchObject({
      code: 'REFUSED',
      message: "TCB info: signature: expected one by the issuer's key, got another",
    })
    expect(await who.wallet.getTransactionCount({ address: who.account.address })).toBe(before)
  })

  test('who cannot pay is told how much it is', async () => {
    const who = await stranger(market, '0.00000001')
    await expect(bringAll(who)).rejects.toMatchObject({
      code: 'GAS_MONEY',
      message: expect.stringMatching(
        /expected at least \d+ wei for \d+ gas, got 10000000000$/,
      ) as string,
    })
  })

  test('a chain under another root is not even sent', async () => {
    const elsewhere = { ...market.tdx, rootCertificateHash: `0x${'11'.repeat(32)}` as const }
    const who = await stranger({ ...market, tdx: elsewhere })
    await expect(bringAll(who)).rejects.toMatchObject({ code: 'WRONG_ROOT' })
  })
})

describe('a registration', () => {
  test('by somebody without any right, of a family that nobody has brought', async () => {
    const platform = await otherFamily()
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
    await bringAll(who, platform)

    const { quote, bindingId, blockNumber, blockHash } = await quoteOf(machine, statement)
    const evidence = toHex(await who.dcap.evidenceOf(quote, new Uint8Array(32)))
    const evidenceHash = keccak256(concat([blockHash, evidence]))
    const { timestamp: deadline } = await testClient().getBlock()
    const verifierIndex = BigInt(market.tdx.verifierIndex)
    const signed = {
      bindingId,
      verifierIndex,
      evidenceHash,
      blockNumber,
      deadline: deadline + 600n,
    }
    const signature = signDigest(verifiedAttestationDigest(signed, domain()), signerKey)
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
    const logs = await testClient().getContractEvents({ ...registry, fromBlock: 0n })
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
    const next = await quoteOf(machine, statement)
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
    const later = (await testClient().getContractEvents({
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
  })
})

describe('a refusal in words', () => {
  const refusals = async (of: Promise<unknown>, code: string, message: RegExp): Promise<void> => {
    const error: unknown = await of.catch((caught: unknown) => caught)
    expect(error).toMatchObject({ name: 'DcapError', code })
    expect((error as Error).message).toMatch(message)
  }

  test('revoked PCK: told before anything is sent', async () => {
    const who = await stranger(market)
    await bringAll(who)
    const { platformCa, pckLeaf } = market.platform.pki
    const validity = { from: new Date(), until: new Date(Date.now() + 30 * DAY_MS) }
    await market.chain.passTime(60)
    const list = toHex(await issueCrl(platformCa, validity, [pckLeaf]))
    const upsert = {
      abi: tdxVerifierAbi,
      functionName: 'upsertRevocationList',
      args: [list],
    } as const
    await who.send({
      to: market.tdx.tdxVerifier,
      data: encodeFunctionData(upsert),
      gas: 1_000_000n,
    })
    await refusals(
      bringAll(who),
      'PCK_REVOKED',
      /^PCK certificate: expected one that is not revoked, got serial 0x[0-9a-f]+, which the Intel SGX PCK Platform CA has revoked$/,
    )
    await refusals(
      appraise(who, td),
      'REFUSED',
      /^PCK certificate: expected a key that is not revoked, got the revoked key 0x[0-9a-f]{64}$/,
    )
  })

  test('out-of-date TCB', async () => {
    const who = await stranger(market)
    await bringAll(who)
    const at = new Date(Date.now() + 2000)
    const { tcbInfo } = await publishCollateral(market.platform.pki, at, { tcbStatus: 'OutOfDate' })
    const args = [toHex(utf8(tcbInfo.text)), toHex(tcbInfo.signature)] as const
    const upsert = { abi: tdxVerifierAbi, functionName: 'upsertTcbInfo', args } as const
    await who.send({
      to: market.tdx.tdxVerifier,
      data: encodeFunctionData(upsert),
      gas: 1_000_000n,
    })
    await refusals(
      appraise(who, td),
      'REFUSED',
      /^TCB status: expected UpToDate or SWHardeningNeeded, got OutOfDate$/,
    )
  })

  test('unknown measurement', async () => {
    const who = await stranger(market)
    await bringAll(who)
    const changed = launchTd(market.platform, { appCompose: utf8('{"name":"changed"}') })
    await refusals(
      appraise(who, changed),
      'REFUSED',
      /^measurement: expected an entry of the allow-list, got none under 0x[0-9a-f]{64}$/,
    )
  })

  test('wrong block hash', async () => {
    const who = await stranger(market)
    await bringAll(who)
    await refusals(
      appraise(who, td, `0x${'77'.repeat(32)}`),
      'REFUSED',
      /^report data: expected 0x[0-9a-f]{64}, the registration over the named block as the chain has it, got 0x[0-9a-f]{64}/,
    )
  })

  test('debug TD', async () => {
    const who = await stranger(market)
    await bringAll(who)
    const debug = launchTd(market.platform, { appCompose: APP_COMPOSE, lies: { debug: true } })
    await refusals(
      appraise(who, debug),
      'REFUSED',
      /^TD attributes: expected a TD without debug and profiling bits, got one that its host can look into$/,
    )
  })

  test('expired collateral, and collateral that nobody has brought', async () => {
    const who = await stranger(market)
    await refusals(
      appraise(who, td),
      'REFUSED',
      /^evaluation data numbers: expected one that is in force at \d{4}-.*Z, got none: nobody has brought it$/,
    )
    await bringAll(who)
    await market.chain.passTime((31 * DAY_MS) / 1000)
    await refusals(
      appraise(who, td),
      'REFUSED',
      /^evaluation data numbers: expected one that is in force at \d{4}-.*Z, got one that expired after \d{4}-.*Z$/,
    )
  })
})
