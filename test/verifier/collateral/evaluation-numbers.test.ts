import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  createSimulatedPlatform,
  servePcs,
  type PcsServer,
  type SimulatedPlatform,
} from '@jeju/simulator'
import {
  evaluationNumberOf,
  simulatedTrustAnchor,
  verifyEvaluationNumbers,
  type EvaluationNumbers,
} from '@jeju/verifier'
import {
  createCollateralClient,
  type CollateralClient,
  type CollateralClientOptions,
  type CollateralFetchErrorCode,
} from '@jeju/verifier/collateral'
import { serveTwisted, withBody, withHeader, type TwistedPcs } from './twisted-pcs.ts'

const START = Date.parse('2029-06-01T12:00:00Z')
const DAY_MS = 24 * 3600 * 1000
const REQUEST = { fmspc: '000000000000', ca: 'platform' } as const
const PATH = '/tdx/certification/v4/tcbevaluationdatanumbers'
const CHAIN = 'TCB-Evaluation-Data-Numbers-Issuer-Chain'

let platform: SimulatedPlatform
let honest: PcsServer
let pcs: TwistedPcs
let now = START
let newest = 20
let failures: string[] = []

beforeAll(async () => {
  platform = await createSimulatedPlatform({ at: new Date(START) })
  honest = await servePcs(platform, {
    at: () => new Date(now),
    vintage: () => ({ tcbEvaluationDataNumber: newest }),
  })
})

beforeEach(async () => {
  now = START
  newest = 20
  failures = []
  pcs = await serveTwisted(honest)
})

afterEach(() => pcs.close())

afterAll(() => honest.close())

function newClient(options: Partial<CollateralClientOptions> = {}): CollateralClient {
  return createCollateralClient({
    fetch,
    baseUrl: pcs.url,
    now: () => new Date(now),
    onRefreshFailure: ({ code }, request) => failures.push(`${code} ${request?.fmspc}`),
    ...options,
  })
}

async function verified(client: CollateralClient): Promise<EvaluationNumbers> {
  const { check, numbers } = await verifyEvaluationNumbers(await client.evaluationNumbers(), {
    at: new Date(now),
    trustAnchor: simulatedTrustAnchor('tests', platform.rootCertificateDer),
  })
  expect(check.status).toBe('passed')
  if (numbers === undefined) throw new Error('refused')
  return numbers
}

describe('the list of evaluation data numbers', () => {
  test('is asked of Intel, or of a PCCS, beside the list of the root', async () => {
    const urls: string[] = []
    const refuse = (url: string): Promise<Response> => {
      urls.push(url)
      return Promise.reject(new TypeError('refused'))
    }
    for (const baseUrl of [undefined, 'https://pccs.example/intel/']) {
      const given = baseUrl === undefined ? {} : { baseUrl }
      const client = createCollateralClient({ fetch: refuse, now: () => new Date(now), ...given })
      await expect(client.evaluationNumbers()).rejects.toMatchObject({ code: 'FETCH_FAILED' })
    }
    expect(urls).toEqual([
      'https://certificates.trustedservices.intel.com/IntelSGXRootCA.der',
      `https://api.trustedservices.intel.com${PATH}`,
      'https://pccs.example/intel/sgx/certification/v4/rootcacrl',
      `https://pccs.example/intel${PATH}`,
    ])
  })

  test('is verified, and its numbers are those that collateral is to be had by', async () => {
    const client = newClient()
    const numbers = await verified(client)
    expect(numbers.numbers.map((entry) => entry.tcbEvaluationDataNumber)).toEqual([20, 19, 18])
    const tcbEvaluationDataNumber = evaluationNumberOf(numbers, 'standard', new Date(now))
    expect(tcbEvaluationDataNumber).toBe(20)
    for (const { tcbEvaluationDataNumber: number } of numbers.numbers) {
      const collateral = await client.collateralFor(REQUEST, { tcbEvaluationDataNumber: number })
      expect(collateral.tcbInfo).toContain(`"tcbEvaluationDataNumber":${number},`)
      expect(collateral.qeIdentity).toContain(`"tcbEvaluationDataNumber":${number},`)
    }
  })

  test('is fetched once for all who ask, and again before it ends while nobody waits', async () => {
    const client = newClient()
    const [first, ...others] = await Promise.all([1, 2, 3].map(() => client.evaluationNumbers()))
    expect(new Set([first, ...others]).size).toBe(1)
    expect(pcs.asked).toEqual(['/sgx/certification/v4/rootcacrl', PATH])
    // Issued a day before the start, for 30 days.
    now = START + 14 * DAY_MS
    newest = 21
    expect(await client.evaluationNumbers()).toBe(first)
    await expect.poll(() => client.evaluationNumbers(), { interval: 5 }).not.toBe(first)
    expect((await verified(client)).numbers[0]?.tcbEvaluationDataNumber).toBe(21)
  })

  test('B4 collateral_old_vintage_rejected: a list without a number that was there', async () => {
    const client = newClient()
    const first = await client.evaluationNumbers()
    now = START + 14 * DAY_MS
    newest = 19
    expect(await client.evaluationNumbers()).toBe(first)
    await expect.poll(() => failures, { interval: 5 }).toEqual(['FETCH_OLDER undefined'])
    expect(await client.evaluationNumbers()).toBe(first)
  })

  test('is never served after its nextUpdate', async () => {
    const client = newClient()
    await client.evaluationNumbers()
    pcs.twist(PATH, (answer) => ({ ...answer, status: 503 }))
    now = START + 29 * DAY_MS
    await expect(client.evaluationNumbers()).rejects.toMatchObject({ code: 'FETCH_STATUS' })
  })

  test.each<[string, CollateralFetchErrorCode, Parameters<TwistedPcs['twist']>[1]]>([
    ['of SGX', 'FETCH_BODY_INVALID', withBody((text) => text.replace('"id":"TDX"', '"id":"SGX"'))],
    ['cut short', 'FETCH_BODY_INVALID', withBody((text) => text.slice(0, -2))],
    [
      'in another member',
      'FETCH_BODY_INVALID',
      withBody((text) => text.replace('tcbEvaluationDataNumbers', 'tcbInfo')),
    ],
    [
      'with its member twice',
      'FETCH_DUPLICATE_MEMBER',
      withBody((text) => text.replace('{', '{"tcbEvaluationDataNumbers":{},')),
    ],
    [
      'with a member twice inside',
      'FETCH_DUPLICATE_MEMBER',
      withBody((text) => text.replace('"id":"TDX"', '"id":"TDX","id":"TDX"')),
    ],
    ['without a chain', 'FETCH_CHAIN_INVALID', withHeader(CHAIN, () => undefined)],
    ['with two chains', 'FETCH_CHAIN_INVALID', withHeader(CHAIN, (chain) => [chain, chain])],
    [
      'that has ended',
      'FETCH_NOT_IN_FORCE',
      withBody((text) =>
        text.replace(/"nextUpdate":"[^"]*"/, '"nextUpdate":"2029-06-01T11:59:59Z"'),
      ),
    ],
    ['that is not there', 'FETCH_STATUS', (answer) => ({ ...answer, status: 404 })],
  ])('%s: refused', async (_what, code, twist) => {
    pcs.twist(PATH, twist)
    await expect(newClient().evaluationNumbers()).rejects.toMatchObject({ code })
  })
})

describe('collateral by number', () => {
  test('each issue is kept on its own', async () => {
    const client = newClient()
    const by = (tcbEvaluationDataNumber: number): Promise<unknown> =>
      client.collateralFor(REQUEST, { tcbEvaluationDataNumber })
    const [standard, early, first, second] = [
      await client.collateralFor(REQUEST),
      await client.collateralFor(REQUEST, 'early'),
      await by(19),
      await by(18),
    ]
    expect(new Set([standard, early, first, second]).size).toBe(4)
    const { length } = pcs.asked
    expect(await by(19)).toBe(first)
    expect(await client.collateralFor(REQUEST, 'standard')).toBe(standard)
    expect(pcs.asked).toHaveLength(length)
  })

  test('the issue of the options holds where none is named', async () => {
    const client = newClient({ update: { tcbEvaluationDataNumber: 18 } })
    expect((await client.collateralFor(REQUEST)).tcbInfo).toContain('"tcbEvaluationDataNumber":18')
  })

  test('a number that is none is not asked for', async () => {
    for (const tcbEvaluationDataNumber of [0, 18.5, 2 ** 32]) {
      const asked = newClient().collateralFor(REQUEST, { tcbEvaluationDataNumber })
      await expect(asked).rejects.toMatchObject({ code: 'FETCH_OPTIONS_INVALID' })
    }
    expect(pcs.asked).toEqual([])
  })
})
