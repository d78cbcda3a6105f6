import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createSimulatedPlatform, servePcs, type PcsServer } from '@jeju/simulator'
import {
  createCollateralClient,
  type CollateralClient,
  type CollateralFetchErrorCode,
} from '@jeju/verifier/collateral'
import { serveTwisted, withBody, withHeader, type Twist, type TwistedPcs } from './twisted-pcs.ts'

const at = new Date('2029-06-01T12:00:00Z')
const REQUEST = { fmspc: '000000000000', ca: 'platform' } as const
const [INFO, IDENTITY, PCK_CRL, ROOT_CRL] = ['/tcb?', '/qe/identity', '/pckcrl', '/rootcacrl']
const INFO_CHAIN = 'TCB-Info-Issuer-Chain'
const OTHER_YEAR = '"2028-01-01T00:00:00Z"'
let honest: PcsServer
let pcs: TwistedPcs

beforeAll(async () => {
  const platform = await createSimulatedPlatform({ at })
  honest = await servePcs(platform, { at: () => at })
  pcs = await serveTwisted(honest)
})

afterEach(() => pcs.untwist())

afterAll(async () => {
  await pcs.close()
  await honest.close()
})

function newClient(timeoutMs = 10_000): CollateralClient {
  return createCollateralClient({ fetch, baseUrl: pcs.url, now: () => at, timeoutMs })
}

const status =
  (code: number): Twist =>
  (honest) => ({ ...honest, status: code })

const redirect: Twist = (answer) => ({
  status: 302,
  headers: { ...answer.headers, Location: honest.url },
  body: answer.body,
})

/** More than any limit, in pieces, without saying how much it will be. */
const endless: Twist = (_answer, response) => {
  response.writeHead(200)
  const more = (): void => {
    if (response.destroyed) return
    if (response.write(Buffer.alloc(256 * 1024, 0x33))) setImmediate(more)
    else response.once('drain', more)
  }
  more()
  return undefined
}

const brokenOff: Twist = ({ headers, body }, response) => {
  response.writeHead(200, { ...headers, 'Content-Length': body.length })
  response.write(body.subarray(0, body.length / 2))
  setTimeout(() => response.destroy(), 20)
  return undefined
}

const big = (bytes: number): Twist => withBody(() => new Uint8Array(bytes))
const doubled = (name: string): Twist =>
  withBody((json) => `{"${name}":{"id":"TDX"},${json.slice(1)}`)

describe('B11 every_error_refuses: a service that sends something else', () => {
  const chain = (change: (value: string) => string | string[] | undefined): Twist =>
    withHeader(INFO_CHAIN, change)

  test.each<[string, string, Twist, CollateralFetchErrorCode]>([
    ['503', INFO, status(503), 'FETCH_STATUS'],
    ['404 for the root CRL', ROOT_CRL, status(404), 'FETCH_STATUS'],
    ['206', IDENTITY, status(206), 'FETCH_STATUS'],
    ['201 with everything right', PCK_CRL, status(201), 'FETCH_STATUS'],
    ['a redirect', INFO, redirect, 'FETCH_REDIRECTED'],
    ['a redirect of a CRL', ROOT_CRL, redirect, 'FETCH_REDIRECTED'],
    ['304', PCK_CRL, status(304), 'FETCH_REDIRECTED'],
    ['a document too large', INFO, big(2 * 1024 * 1024), 'FETCH_TOO_LARGE'],
    ['a CRL too large', PCK_CRL, big(5 * 1024 * 1024), 'FETCH_TOO_LARGE'],
    ['a document without end', IDENTITY, endless, 'FETCH_TOO_LARGE'],
    ['a CRL without end', ROOT_CRL, endless, 'FETCH_TOO_LARGE'],
    ['a body that breaks off', INFO, brokenOff, 'FETCH_FAILED'],
    ['a CRL that breaks off', PCK_CRL, brokenOff, 'FETCH_FAILED'],
    ['half a document', INFO, withBody((json) => json.slice(0, 400)), 'FETCH_BODY_INVALID'],
    ['nothing', IDENTITY, withBody(() => ''), 'FETCH_BODY_INVALID'],
    ['no JSON', INFO, withBody(() => '<h1>hello</h1>'), 'FETCH_BODY_INVALID'],
    ['an array', INFO, withBody((json) => `[${json}]`), 'FETCH_BODY_INVALID'],
    ['a mark before the JSON', INFO, withBody((json) => `\uFEFF${json}`), 'FETCH_BODY_INVALID'],
    ['no UTF-8', INFO, withBody(() => Uint8Array.of(0x7b, 0xff, 0x7d)), 'FETCH_BODY_INVALID'],
    ['something behind it', INFO, withBody((json) => `${json}{}`), 'FETCH_BODY_INVALID'],
    [
      'another document',
      INFO,
      withBody((json) => json.replace('tcbInfo', 'enclaveIdentity')),
      'FETCH_BODY_INVALID',
    ],
    ['tcbInfo twice', INFO, doubled('tcbInfo'), 'FETCH_DUPLICATE_MEMBER'],
    ['tcbInfo twice, escaped', INFO, doubled(String.raw`tcb\u0049nfo`), 'FETCH_DUPLICATE_MEMBER'],
    ['a signature twice', IDENTITY, doubled('signature'), 'FETCH_DUPLICATE_MEMBER'],
    [
      'a status twice',
      INFO,
      withBody((json) => json.replace('"tcbStatus"', '"tcbStatus":"Revoked","tcbStatus"')),
      'FETCH_DUPLICATE_MEMBER',
    ],
    [
      'no signature',
      INFO,
      withBody((json) => json.replace('"signature"', '"sign"')),
      'FETCH_BODY_INVALID',
    ],
    ['a short signature', INFO, withBody((json) => `${json.slice(0, -4)}"}`), 'FETCH_BODY_INVALID'],
    ['no hex', INFO, withBody((json) => `${json.slice(0, -4)}zz"}`), 'FETCH_BODY_INVALID'],
    [
      'another platform',
      INFO,
      withBody((json) => json.replace('"000000000000"', '"00806f050000"')),
      'FETCH_BODY_INVALID',
    ],
    [
      'no date',
      IDENTITY,
      withBody((json) => json.replace(/"nextUpdate":"[^"]*"/, '"nextUpdate":"soon"')),
      'FETCH_BODY_INVALID',
    ],
    [
      'a document that has ended',
      INFO,
      withBody((json) => json.replace(/"2029-06-30[^"]*"/, OTHER_YEAR)),
      'FETCH_NOT_IN_FORCE',
    ],
    [
      'a document of tomorrow',
      INFO,
      withBody((json) => json.replace('2029-05-31', '2029-06-02')),
      'FETCH_NOT_IN_FORCE',
    ],
    [
      'two documents of different numbers',
      IDENTITY,
      withBody((json) => json.replace('Number":19', 'Number":18')),
      'FETCH_NUMBERS_DIFFER',
    ],
    ['garbage in hex', ROOT_CRL, withBody((hex) => `${hex}zz`), 'FETCH_BODY_INVALID'],
    ['half a byte', ROOT_CRL, withBody((hex) => `${hex}0`), 'FETCH_BODY_INVALID'],
    ['bytes behind a CRL', ROOT_CRL, withBody((hex) => `${hex}00`), 'FETCH_BODY_INVALID'],
    ['a line break', ROOT_CRL, withBody((hex) => `${hex}\n`), 'FETCH_BODY_INVALID'],
    ['an empty CRL', ROOT_CRL, withBody(() => ''), 'FETCH_BODY_INVALID'],
    ['PEM', PCK_CRL, withBody(() => '-----BEGIN X509 CRL-----'), 'FETCH_BODY_INVALID'],
    ['no chain', INFO, chain(() => undefined), 'FETCH_CHAIN_INVALID'],
    ['two chains', INFO, chain((value) => [value, value]), 'FETCH_CHAIN_INVALID'],
    [
      'chains under both names',
      INFO,
      withHeader('SGX-TCB-Info-Issuer-Chain', () => '-----BEGIN'),
      'FETCH_CHAIN_INVALID',
    ],
    ['half an escape', INFO, chain((value) => `${value}%4`), 'FETCH_CHAIN_INVALID'],
    ['a chain as it is', INFO, chain(() => '-----BEGIN CERT'), 'FETCH_CHAIN_INVALID'],
    ['no PEM', INFO, chain(() => 'hello'), 'FETCH_CHAIN_INVALID'],
    [
      'no chain of a CRL',
      PCK_CRL,
      withHeader('SGX-PCK-CRL-Issuer-Chain', () => undefined),
      'FETCH_CHAIN_INVALID',
    ],
  ])('%s (%s)', async (_name, part, twist, code) => {
    const client = newClient()
    pcs.twist(part, twist)
    await expect(client.collateralFor(REQUEST)).rejects.toMatchObject({
      name: 'CollateralFetchError',
      code,
    })
    // Nothing of it was kept.
    pcs.untwist()
    await expect(client.collateralFor(REQUEST)).resolves.toHaveProperty('tcbInfo')
  })

  test('no answer at all', async () => {
    const client = newClient(100)
    pcs.twist(ROOT_CRL, () => undefined)
    await expect(client.collateralFor(REQUEST)).rejects.toMatchObject({ code: 'FETCH_TIMEOUT' })
  })

  test('an answer that never ends, a byte at a time', async () => {
    const client = newClient(2_000)
    const closed = new Promise<void>((resolve) => {
      pcs.twist(INFO, (_answer, response) => {
        response.writeHead(200)
        const drip = setInterval(() => response.write(' '), 10)
        response.on('close', () => {
          clearInterval(drip)
          resolve()
        })
        return undefined
      })
    })
    await expect(client.collateralFor(REQUEST)).rejects.toMatchObject({ code: 'FETCH_TIMEOUT' })
    // The connection is given up, not left to drip.
    await closed
  })

  test('a server that is gone', async () => {
    const gone = await serveTwisted(honest)
    await gone.close()
    const client = createCollateralClient({ fetch, baseUrl: gone.url, now: () => at })
    await expect(client.collateralFor(REQUEST)).rejects.toMatchObject({ code: 'FETCH_FAILED' })
  })
})
