import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  createSimulatedPlatform,
  launchTd,
  servePcs,
  type PcsServer,
  type SimulatedPlatform,
  type Vintage,
} from '@jeju/simulator'
import { QuoteVerifier, simulatedTrustAnchor, type QuoteCollateral } from '@jeju/verifier'
import {
  createCollateralClient,
  type CollateralClient,
  type CollateralClientOptions,
  type CollateralFetchError,
} from '@jeju/verifier/collateral'
import { utf8 } from '@jeju/verifier/protocol'
import { serveTwisted, withBody, type TwistedPcs } from './twisted-pcs.ts'

const START = Date.parse('2029-06-01T12:00:00Z')
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const MINUTE_MS = 60_000
const REQUEST = { fmspc: '000000000000', ca: 'platform' } as const
/** Addresses of one bundle. */
const PARTS = 4

let platform: SimulatedPlatform
let honest: PcsServer
let pcs: TwistedPcs
let now = START
/** When the service issues, where it is not now. */
let issuing: number | undefined
let vintage: Vintage = {}
let failures: CollateralFetchError[] = []

beforeAll(async () => {
  platform = await createSimulatedPlatform({ at: new Date(START) })
  honest = await servePcs(platform, {
    at: () => new Date(issuing ?? now),
    vintage: () => vintage,
  })
})

beforeEach(async () => {
  now = START
  issuing = undefined
  vintage = {}
  failures = []
  pcs = await serveTwisted(honest)
})

afterEach(() => pcs.close())

afterAll(() => honest.close())

function newClient(options: Partial<CollateralClientOptions> = {}): CollateralClient {
  const own = failures
  return createCollateralClient({
    fetch,
    baseUrl: pcs.url,
    now: () => new Date(now),
    onRefreshFailure: (error) => own.push(error),
    ...options,
  })
}

/** Refreshes happen behind the answer that asked for them. */
async function failed(...codes: readonly string[]): Promise<void> {
  await expect.poll(() => failures.map(({ code }) => code), { interval: 5 }).toEqual(codes)
}

async function replaced(client: CollateralClient, before: QuoteCollateral): Promise<void> {
  await expect.poll(() => client.collateralFor(REQUEST), { interval: 5 }).not.toBe(before)
}

const down = (): void => pcs.twist('/', (answer) => ({ ...answer, status: 503 }))

describe('collateral is kept', () => {
  test('one fetch serves all who ask, at once and later', async () => {
    const client = newClient()
    const many = await Promise.all(Array.from({ length: 20 }, () => client.collateralFor(REQUEST)))
    now += DAY_MS
    const later = await client.collateralFor({ ...REQUEST })
    expect(new Set([...many, later]).size).toBe(1)
    expect(pcs.asked).toHaveLength(PARTS)
  })

  test('at half of its life it is fetched again, and nobody waits for that', async () => {
    const client = newClient()
    const first = await client.collateralFor(REQUEST)
    // Issued a day before the start, for 30 days.
    now = START + 14 * DAY_MS - 1
    await client.collateralFor(REQUEST)
    expect(pcs.asked).toHaveLength(PARTS)
    now = START + 14 * DAY_MS
    const meanwhile = await Promise.all([1, 2, 3].map(() => client.collateralFor(REQUEST)))
    expect(new Set([first, ...meanwhile]).size).toBe(1)
    await replaced(client, first)
    const second = await client.collateralFor(REQUEST)
    expect(second.tcbInfo).not.toBe(first.tcbInfo)
    expect(second.tcbInfo).toContain('2029-06-14T12:00:00Z')
    expect(pcs.asked).toHaveLength(2 * PARTS)
  })

  test('what was old when it came is fetched again after a day, not at once', async () => {
    const client = newClient()
    issuing = START - 20 * DAY_MS
    const first = await client.collateralFor(REQUEST)
    now = START + DAY_MS - 1
    await client.collateralFor(REQUEST)
    expect(pcs.asked).toHaveLength(PARTS)
    issuing = undefined
    now = START + DAY_MS
    expect(await client.collateralFor(REQUEST)).toBe(first)
    await replaced(client, first)
  })

  test('a refresh that fails leaves the old bundle until it ends, and is tried again after a minute', async () => {
    const client = newClient()
    const first = await client.collateralFor(REQUEST)
    now = START + 20 * DAY_MS
    down()
    expect(await client.collateralFor(REQUEST)).toBe(first)
    await failed('FETCH_STATUS')
    const askedSoFar = pcs.asked.length
    now += MINUTE_MS - 1
    expect(await client.collateralFor(REQUEST)).toBe(first)
    expect(pcs.asked).toHaveLength(askedSoFar)
    now += 1
    expect(await client.collateralFor(REQUEST)).toBe(first)
    await failed('FETCH_STATUS', 'FETCH_STATUS')
  })

  test('never after the earliest nextUpdate', async () => {
    const client = newClient()
    const first = await client.collateralFor(REQUEST)
    down()
    now = START + 29 * DAY_MS - 1
    expect(await client.collateralFor(REQUEST)).toBe(first)
    now = START + 29 * DAY_MS
    await expect(client.collateralFor(REQUEST)).rejects.toMatchObject({ code: 'FETCH_STATUS' })
    pcs.untwist()
    expect((await client.collateralFor(REQUEST)).tcbInfo).not.toBe(first.tcbInfo)
  })

  test('the part that ends first ends all', async () => {
    const client = newClient()
    pcs.twist(
      '/qe/identity',
      withBody((json) => json.replace('2029-06-30T12', '2029-06-02T12')),
    )
    await client.collateralFor(REQUEST)
    now = START + DAY_MS
    down()
    await expect(client.collateralFor(REQUEST)).rejects.toHaveProperty(
      'name',
      'CollateralFetchError',
    )
  })

  test('dates that nobody has verified keep nothing for longer than documents live', async () => {
    const client = newClient()
    for (const part of ['/tcb?', '/qe/identity']) {
      pcs.twist(
        part,
        withBody((json) => json.replace('2029-06-30', '2999-06-30')),
      )
    }
    issuing = START
    await client.collateralFor(REQUEST)
    now = START + 32 * DAY_MS
    down()
    await expect(client.collateralFor(REQUEST)).rejects.toHaveProperty(
      'name',
      'CollateralFetchError',
    )
  })

  test('entries have an end: what was asked for longest ago goes first', async () => {
    // The service of another family: its documents with another name.
    const families = async (address: string, init: RequestInit): Promise<Response> => {
      const [, fmspc = ''] = /fmspc=([0-9a-f]{12})/.exec(address) ?? []
      if (fmspc === '') return fetch(address, init)
      const response = await fetch(address.replace(fmspc, REQUEST.fmspc), init)
      const text = (await response.text()).replace(`"${REQUEST.fmspc}"`, `"${fmspc}"`)
      return new Response(text, { headers: response.headers })
    }
    const client = newClient({ maxEntries: 2, fetch: families })
    const ask = async (fmspc: string): Promise<number> => {
      const before = pcs.asked.length
      await client.collateralFor({ fmspc, ca: 'platform' })
      return pcs.asked.length - before
    }
    expect(await ask('00000000000a')).toBe(PARTS)
    expect(await ask('00000000000b')).toBe(PARTS)
    expect(await ask('00000000000A')).toBe(0)
    expect(await ask('00000000000c')).toBe(PARTS)
    expect(await ask('00000000000a')).toBe(0)
    expect(await ask('00000000000b')).toBe(PARTS)
  })
})

describe('a service that goes back to an old vintage', () => {
  async function statusAt(client: CollateralClient): Promise<string | undefined> {
    const verifier = new QuoteVerifier(simulatedTrustAnchor('test', platform.rootCertificateDer))
    const quote = await launchTd(platform, { appCompose: utf8('{}') }).quote(new Uint8Array(64))
    const collateral = await client.collateralFor(REQUEST)
    return (await verifier.verify(quote, collateral, new Date(now))).genuine?.tcb.status
  }

  test('B4 collateral_old_vintage_rejected: documents issued before those that are kept', async () => {
    const client = newClient()
    vintage = { tcbStatus: 'OutOfDate' }
    expect(await statusAt(client)).toBe('OutOfDate')
    // Validly signed, still in force, and from before the level was taken away.
    now = START + 20 * DAY_MS
    issuing = START - DAY_MS
    vintage = {}
    expect(await statusAt(client)).toBe('OutOfDate')
    await failed('FETCH_OLDER')
    expect(await statusAt(client)).toBe('OutOfDate')
  })

  test('B4 collateral_old_vintage_rejected: a lower number, though issued later', async () => {
    const client = newClient()
    vintage = { tcbEvaluationDataNumber: 20, tcbStatus: 'OutOfDate' }
    expect(await statusAt(client)).toBe('OutOfDate')
    now = START + 20 * DAY_MS
    vintage = {}
    expect(await statusAt(client)).toBe('OutOfDate')
    await failed('FETCH_OLDER')
    expect(await statusAt(client)).toBe('OutOfDate')
  })

  test('B4 collateral_cached_no_is_final: asking again does not ask another', async () => {
    const client = newClient()
    vintage = { tcbStatus: 'Revoked' }
    expect(await statusAt(client)).toBeUndefined()
    vintage = {}
    expect(await statusAt(client)).toBeUndefined()
    down()
    expect(await statusAt(client)).toBeUndefined()
    expect(pcs.asked).toHaveLength(PARTS)
  })
})
