import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  createSimulatedPlatform,
  servePcs,
  type PcsServer,
  type SimulatedPlatform,
} from '@jeju/simulator'
import { parseCollateral } from '@jeju/verifier'
import {
  createCollateralClient,
  type CollateralClientOptions,
  type CollateralRequest,
} from '@jeju/verifier/collateral'
import { serveTwisted, type TwistedPcs } from './twisted-pcs.ts'

const at = new Date('2029-06-01T12:00:00Z')
const REQUEST = { fmspc: '000000000000', ca: 'platform' } as const
let platform: SimulatedPlatform
let honest: PcsServer
let pcs: TwistedPcs

beforeAll(async () => {
  platform = await createSimulatedPlatform({ at })
  honest = await servePcs(platform, {
    at: () => at,
    vintage: () => ({ tcbEvaluationDataNumber: 20 }),
  })
  pcs = await serveTwisted(honest)
})

afterAll(async () => {
  await pcs.close()
  await honest.close()
})

/** Addresses that a client with these settings asks first. */
async function asks(
  options: Partial<CollateralClientOptions>,
  request: CollateralRequest = REQUEST,
): Promise<readonly string[]> {
  const urls: string[] = []
  const refuse = (url: string): Promise<Response> => {
    urls.push(url)
    return Promise.reject(new TypeError('refused'))
  }
  const client = createCollateralClient({ fetch: refuse, now: () => at, ...options })
  await expect(client.collateralFor(request)).rejects.toMatchObject({ code: 'FETCH_FAILED' })
  return urls.toSorted()
}

describe('what is asked', () => {
  test('Intel and the fixed address of its root list, unless told otherwise', async () => {
    expect(await asks({}, { fmspc: '00806F050000', ca: 'processor' })).toEqual([
      'https://api.trustedservices.intel.com/sgx/certification/v4/pckcrl?ca=processor&encoding=der',
      'https://api.trustedservices.intel.com/tdx/certification/v4/qe/identity?update=standard',
      'https://api.trustedservices.intel.com/tdx/certification/v4/tcb?fmspc=00806f050000&update=standard',
      'https://certificates.trustedservices.intel.com/IntelSGXRootCA.der',
    ])
  })

  test('a PCCS below a path, with its own root list', async () => {
    expect(await asks({ baseUrl: 'https://pccs.example/intel/', update: 'early' })).toEqual([
      'https://pccs.example/intel/sgx/certification/v4/pckcrl?ca=platform&encoding=der',
      'https://pccs.example/intel/sgx/certification/v4/rootcacrl',
      'https://pccs.example/intel/tdx/certification/v4/qe/identity?update=early',
      'https://pccs.example/intel/tdx/certification/v4/tcb?fmspc=000000000000&update=early',
    ])
  })

  test('a number and a root list elsewhere', async () => {
    const rootCrlUrl = 'https://lists.example/root.der'
    const urls = await asks({ rootCrlUrl, update: { tcbEvaluationDataNumber: 19 } })
    expect(urls).toContain(rootCrlUrl)
    expect(urls.filter((url) => url.endsWith('tcbEvaluationDataNumber=19'))).toHaveLength(2)
  })

  test.each<[string, Partial<CollateralClientOptions>]>([
    ['http beyond loopback', { baseUrl: 'http://pccs.example' }],
    ['a name that begins as loopback', { baseUrl: 'http://127.0.0.1.example' }],
    ['another scheme', { baseUrl: 'file:///collateral' }],
    ['no address', { baseUrl: 'pccs.example' }],
    ['a password', { baseUrl: 'https://me:secret@pccs.example' }],
    ['a query', { baseUrl: 'https://pccs.example/?key=1' }],
    ['a root list over http', { rootCrlUrl: 'http://lists.example/root.der' }],
    ['number 0', { update: { tcbEvaluationDataNumber: 0 } }],
    ['half a number', { update: { tcbEvaluationDataNumber: 18.5 } }],
    ['no time to answer', { timeoutMs: 0 }],
    ['more time than a timer takes', { timeoutMs: 2 ** 31 }],
    ['no entries', { maxEntries: 0 }],
  ])('not with %s', (_name, options) => {
    expect(() => createCollateralClient({ fetch, now: () => at, ...options })).toThrow(
      expect.objectContaining({ code: 'FETCH_OPTIONS_INVALID' }),
    )
  })

  test.each([
    { fmspc: '0000', ca: 'platform' },
    { fmspc: '00000000000g', ca: 'platform' },
    { fmspc: '000000000000&x=1', ca: 'platform' },
    { fmspc: '000000000000', ca: 'root' },
  ])('not for %o', async (request) => {
    const client = createCollateralClient({ fetch, now: () => at })
    const asked = client.collateralFor(request as CollateralRequest)
    await expect(asked).rejects.toMatchObject({ code: 'FETCH_REQUEST_INVALID' })
  })

  test('not without a clock', async () => {
    const client = createCollateralClient({ fetch, now: () => new Date(Number.NaN) })
    const asked = client.collateralFor(REQUEST)
    await expect(asked).rejects.toMatchObject({ code: 'FETCH_OPTIONS_INVALID' })
  })
})

describe('what comes', () => {
  test('the bundle as it was published, in hex or in DER', async () => {
    const { pckCrl, rootCaCrl } = parseCollateral(await platform.collateralJson(at))
    for (const rootCrlUrl of [undefined, `${pcs.url}/IntelSGXRootCA.der`]) {
      const given = rootCrlUrl === undefined ? {} : { rootCrlUrl }
      const client = createCollateralClient({ fetch, baseUrl: pcs.url, now: () => at, ...given })
      const collateral = await client.collateralFor(REQUEST)
      expect(collateral).toMatchObject({ pckCrl, rootCaCrl })
      expect(Object.isFrozen(collateral)).toBe(true)
    }
  })

  test('a number that is asked for is what comes', async () => {
    const update = { tcbEvaluationDataNumber: 18 }
    const client = createCollateralClient({ fetch, baseUrl: pcs.url, now: () => at, update })
    const { tcbInfo, qeIdentity } = await client.collateralFor(REQUEST)
    for (const text of [tcbInfo, qeIdentity]) {
      expect(text).toContain('"tcbEvaluationDataNumber":18')
    }
  })

  test('a number that is not published is none', async () => {
    const update = { tcbEvaluationDataNumber: 21 }
    const client = createCollateralClient({ fetch, baseUrl: pcs.url, now: () => at, update })
    await expect(client.collateralFor(REQUEST)).rejects.toMatchObject({ code: 'FETCH_STATUS' })
  })

  test('what a channel serves of two numbers is asked for again by the higher one', async () => {
    // As on 2026-08-13: TCB info 20, QE identity 19.
    const lagging = async (url: string, init: RequestInit): Promise<Response> => {
      const lag = url.replace('identity?update=standard', 'identity?tcbEvaluationDataNumber=19')
      const response = await fetch(lag, init)
      return new Response(response.body, { headers: response.headers })
    }
    const client = createCollateralClient({ fetch: lagging, baseUrl: pcs.url, now: () => at })
    const { tcbInfo, qeIdentity } = await client.collateralFor(REQUEST)
    for (const text of [tcbInfo, qeIdentity]) {
      expect(text).toContain('"tcbEvaluationDataNumber":20')
    }
  })
})

describe('a fetch that does not do what it is asked', () => {
  const clientOf = (
    given: CollateralClientOptions['fetch'],
  ): ReturnType<typeof createCollateralClient> =>
    createCollateralClient({ fetch: given, baseUrl: pcs.url, now: () => at, timeoutMs: 500 })

  test('follows redirects: refused', async () => {
    const elsewhere = (url: string, init: RequestInit): Promise<Response> =>
      fetch(url.replace(pcs.url, honest.url), init)
    const asked = clientOf(elsewhere).collateralFor(REQUEST)
    await expect(asked).rejects.toMatchObject({ code: 'FETCH_REDIRECTED' })
  })

  test('hides redirects, as browsers do: refused', async () => {
    const opaque = (): Promise<Response> =>
      Promise.resolve(
        Object.defineProperties(Response.error(), { type: { value: 'opaqueredirect' } }),
      )
    const asked = clientOf(opaque).collateralFor(REQUEST)
    await expect(asked).rejects.toMatchObject({ code: 'FETCH_REDIRECTED' })
  })

  test('never answers and heeds no signal: refused in time, and only so many at once', async () => {
    const client = clientOf(() => new Promise(() => {}))
    const asked = Array.from({ length: 17 }, (_, index) =>
      client.collateralFor({ ...REQUEST, fmspc: index.toString(16).padStart(12, '0') }),
    )
    const codes = (await Promise.allSettled(asked)).map((settled) =>
      settled.status === 'rejected' ? (settled.reason as { code: string }).code : 'served',
    )
    const inTime = Array.from({ length: 16 }, () => 'FETCH_TIMEOUT')
    expect(codes).toEqual([...inTime, 'FETCH_BUSY'])
    // Room again.
    await expect(client.collateralFor(REQUEST)).rejects.toMatchObject({ code: 'FETCH_TIMEOUT' })
  })

  test('throws at once: refused', async () => {
    const asked = clientOf(() => {
      throw new Error('no network')
    }).collateralFor(REQUEST)
    await expect(asked).rejects.toMatchObject({ code: 'FETCH_FAILED' })
  })

  test('is called without a receiver, as a browser’s own must be', async () => {
    const receivers: unknown[] = []
    const client = clientOf(function (this: unknown, url, init) {
      receivers.push(this)
      return fetch(url, init)
    })
    await client.collateralFor(REQUEST)
    expect(new Set(receivers)).toEqual(new Set([undefined]))
  })
})
