import { tdxVerifierAbi } from '@jeju/contracts'
import { launchTd, type SimulatedTd } from '@jeju/simulator'
import { toHex, utf8 } from '@jeju/verifier/protocol'
import { encodeFunctionData } from 'viem'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { issueCrl } from '../../../simulator/src/pki/certificate-authority.ts'
import { publishCollateral } from '../../../simulator/src/pki/collateral.ts'
import { APP_COMPOSE, offerOf, openMarket, stranger, type Market } from './market.ts'
import { ANY_STATEMENT, appraise, bringAll, DAY_MS, otherFamily, quoteOf } from './quotes.ts'

// A chain of its own under the root of a simulated machine. Every test begins with what the first one brought.

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
let market: Market
let td: SimulatedTd

beforeAll(async () => {
  market = await openMarket()
  td = launchTd(market.platform, { appCompose: APP_COMPOSE })
}, 300_000)
beforeEach(() => market.snapshot())
afterEach(() => market.restore())
afterAll(() => market.chain.process.stop())

describe('what the chain lacks', () => {
  test('anybody brings all of it in one transaction, and then nothing', async () => {
    const who = await stranger(market)
    const { quote } = await quoteOf(market, td, ANY_STATEMENT)
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
    await appraise(market, who, td)
  })

  test('a new family of platforms needs its TCB info and its key, and nothing else', async () => {
    await bringAll(market, await stranger(market))
    const platform = await otherFamily(market)
    const who = await stranger(market)
    const brought = await bringAll(market, who, platform)
    expect(brought.map(({ steps }) => steps)).toEqual([['TCB info', 'PCK certificate']])
    await appraise(market, who, launchTd(platform, { appCompose: APP_COMPOSE }))
  })

  test('what runs out is brought again, where something later is offered', async () => {
    const who = await stranger(market)
    await bringAll(market, who)
    await market.chain.passTime((28 * DAY_MS) / 1000)
    const { quote } = await quoteOf(market, td, ANY_STATEMENT)
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
    await appraise(market, who, td)
  })

  test('a part that somebody else sends first changes nothing', async () => {
    const who = await stranger(market)
    const { quote } = await quoteOf(market, td, ANY_STATEMENT)
    const batches = await who.dcap.plan(quote, offerOf(market.platform.pki))
    await bringAll(market, await stranger(market))
    expect(await who.dcap.bring(batches, who.send)).toHaveLength(1)
  })

  test('a refused step is named, and nothing is sent', async () => {
    const who = await stranger(market)
    const { quote } = await quoteOf(market, td, ANY_STATEMENT)
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
    await expect(bringAll(market, who)).rejects.toMatchObject({
      code: 'GAS_MONEY',
      message: expect.stringMatching(
        /expected at least \d+ wei for \d+ gas, got 10000000000$/,
      ) as string,
    })
  })

  test('a chain under another root is not even sent', async () => {
    const elsewhere = { ...market.tdx, rootCertificateHash: `0x${'11'.repeat(32)}` as const }
    const who = await stranger({ ...market, tdx: elsewhere })
    await expect(bringAll(market, who)).rejects.toMatchObject({ code: 'WRONG_ROOT' })
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
    await bringAll(market, who)
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
      bringAll(market, who),
      'PCK_REVOKED',
      /^PCK certificate: expected one that is not revoked, got serial 0x[0-9a-f]+, which the Intel SGX PCK Platform CA has revoked$/,
    )
    await refusals(
      appraise(market, who, td),
      'REFUSED',
      /^PCK certificate: expected a key that is not revoked, got the revoked key 0x[0-9a-f]{64}$/,
    )
  })

  test('out-of-date TCB', async () => {
    const who = await stranger(market)
    await bringAll(market, who)
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
      appraise(market, who, td),
      'REFUSED',
      /^TCB status: expected UpToDate or SWHardeningNeeded, got OutOfDate$/,
    )
  })

  test('unknown measurement', async () => {
    const who = await stranger(market)
    await bringAll(market, who)
    const changed = launchTd(market.platform, { appCompose: utf8('{"name":"changed"}') })
    await refusals(
      appraise(market, who, changed),
      'REFUSED',
      /^measurement: expected an entry of the allow-list, got none under 0x[0-9a-f]{64}$/,
    )
  })

  test('wrong block hash', async () => {
    const who = await stranger(market)
    await bringAll(market, who)
    await refusals(
      appraise(market, who, td, `0x${'77'.repeat(32)}`),
      'REFUSED',
      /^report data: expected 0x[0-9a-f]{64}, the registration over the named block as the chain has it, got 0x[0-9a-f]{64}/,
    )
  })

  test('debug TD', async () => {
    const who = await stranger(market)
    await bringAll(market, who)
    const debug = launchTd(market.platform, { appCompose: APP_COMPOSE, lies: { debug: true } })
    await refusals(
      appraise(market, who, debug),
      'REFUSED',
      /^TD attributes: expected a TD without debug and profiling bits, got one that its host can look into$/,
    )
  })

  test('expired collateral, and collateral that nobody has brought', async () => {
    const who = await stranger(market)
    await refusals(
      appraise(market, who, td),
      'REFUSED',
      /^evaluation data numbers: expected one that is in force at \d{4}-.*Z, got none: nobody has brought it$/,
    )
    await bringAll(market, who)
    await market.chain.passTime((31 * DAY_MS) / 1000)
    await refusals(
      appraise(market, who, td),
      'REFUSED',
      /^evaluation data numbers: expected one that is in force at \d{4}-.*Z, got one that expired after \d{4}-.*Z$/,
    )
  })
})
