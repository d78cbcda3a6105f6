import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  createSimulatedPlatform,
  launchTd,
  servePcs,
  type PcsServer,
  type SimulatedPlatform,
} from '@jeju/simulator'
import { parseCollateral, QuoteVerifier, simulatedTrustAnchor } from '@jeju/verifier'
import { createCollateralClient } from '@jeju/verifier/collateral'
import { toBareHex, utf8 } from '@jeju/verifier/protocol'

const FMSPC = '000000000000'
const issuedAt = new Date('2029-06-01T12:00:00Z')
let at = issuedAt
let platform: SimulatedPlatform
let pcs: PcsServer
let verifier: QuoteVerifier

beforeAll(async () => {
  platform = await createSimulatedPlatform({ at })
  pcs = await servePcs(platform, { at: () => at })
  verifier = new QuoteVerifier(simulatedTrustAnchor('test', platform.rootCertificateDer))
})

afterAll(() => pcs.close())

async function ask(path: string): Promise<{ response: Response; body: Buffer }> {
  const response = await fetch(`${pcs.url}${path}`)
  return { response, body: Buffer.from(await response.arrayBuffer()) }
}

function quote(): Promise<Uint8Array> {
  return launchTd(platform, { appCompose: utf8('{"name":"a"}') }).quote(new Uint8Array(64).fill(7))
}

describe('the simulated service', () => {
  test('serves what makes a quote of its platform genuine and up to date', async () => {
    const client = createCollateralClient({ fetch, baseUrl: pcs.url, now: () => at })
    const collateral = await client.collateralFor({ fmspc: FMSPC, ca: 'platform' })
    const report = await verifier.verify(await quote(), collateral, at)
    expect(report.checks.filter(({ status }) => status !== 'passed')).toEqual([])
    expect(report.genuine?.tcb.status).toBe('UpToDate')
    expect(report.genuine?.platform.fmspc).toBe(FMSPC)
  })

  test('its bundle does the same, and says the same', async () => {
    const collateral = parseCollateral(await platform.collateralJson(at))
    const report = await verifier.verify(await quote(), collateral, at)
    expect(report.genuine?.tcb.status).toBe('UpToDate')
    const client = createCollateralClient({ fetch, baseUrl: pcs.url, now: () => at })
    const { tcbInfo, qeIdentity } = await client.collateralFor({ fmspc: FMSPC, ca: 'platform' })
    expect([tcbInfo, qeIdentity]).toEqual([collateral.tcbInfo, collateral.qeIdentity])
  })

  test('serves the status it is told to', async () => {
    const outdated = await servePcs(platform, {
      at: () => at,
      vintage: () => ({ tcbEvaluationDataNumber: 20, tcbStatus: 'OutOfDate' }),
    })
    const client = createCollateralClient({ fetch, baseUrl: outdated.url, now: () => at })
    const collateral = await client.collateralFor({ fmspc: FMSPC, ca: 'platform' })
    const report = await verifier.verify(await quote(), collateral, at)
    expect(report.genuine?.tcb.status).toBe('OutOfDate')
    await outdated.close()
  })

  test('issues afresh at each time it is asked', async () => {
    const issueDate = async (): Promise<unknown> => {
      const { body } = await ask(`/tdx/certification/v4/tcb?fmspc=${FMSPC}`)
      return (JSON.parse(body.toString()) as { tcbInfo: { issueDate: string } }).tcbInfo.issueDate
    }
    expect(await issueDate()).toBe('2029-05-31T12:00:00Z')
    at = new Date('2029-07-01T12:00:00Z')
    expect(await issueDate()).toBe('2029-06-30T12:00:00Z')
    at = issuedAt
  })

  test.each([
    [`/tdx/certification/v4/tcb?fmspc=${FMSPC}`, 'TCB-Info-Issuer-Chain'],
    ['/tdx/certification/v4/qe/identity', 'SGX-Enclave-Identity-Issuer-Chain'],
    ['/sgx/certification/v4/pckcrl?ca=platform&encoding=der', 'SGX-PCK-CRL-Issuer-Chain'],
  ])('%s carries its chain in %s', async (path, header) => {
    const { response } = await ask(path)
    const chain = decodeURIComponent(response.headers.get(header) ?? '')
    const [signer, root] = chain
      .split(/(?<=-----END CERTIFICATE-----\n)/)
      .map((pem) => new X509Certificate(pem))
    expect(root?.raw).toEqual(Buffer.from(platform.rootCertificateDer))
    expect(root !== undefined && signer?.verify(root.publicKey)).toBe(true)
  })

  test('serves the list of the root as Intel does and as a PCCS does', async () => {
    const { body: der } = await ask('/IntelSGXRootCA.der')
    const { body: hex } = await ask('/sgx/certification/v4/rootcacrl')
    // Two lists of one second are the same list: signatures repeat.
    expect(hex.toString()).toBe(toBareHex(der))
  })

  test('a PCK list is PEM unless DER is asked for', async () => {
    const { body: pem } = await ask('/sgx/certification/v4/pckcrl?ca=platform')
    const { body: der } = await ask('/sgx/certification/v4/pckcrl?ca=platform&encoding=der')
    expect(pem.toString()).toContain('-----BEGIN X509 CRL-----')
    expect(der[0]).toBe(0x30)
  })

  test.each([
    ['/tdx/certification/v4/tcb', 400],
    ['/tdx/certification/v4/tcb?fmspc=00', 400],
    ['/tdx/certification/v4/tcb?fmspc=00806F050000', 404],
    [`/tdx/certification/v4/tcb?fmspc=${FMSPC}&tcbEvaluationDataNumber=19`, 200],
    [`/tdx/certification/v4/tcb?fmspc=${FMSPC}&tcbEvaluationDataNumber=20`, 404],
    ['/tdx/certification/v4/qe/identity?tcbEvaluationDataNumber=x', 404],
    ['/sgx/certification/v4/pckcrl', 400],
    ['/sgx/certification/v4/pckcrl?ca=processor', 404],
    ['/tdx/certification/v3/tcb', 404],
  ])('%s: %i', async (path, status) => {
    expect((await ask(path)).response.status).toBe(status)
  })

  test('takes nothing but GET', async () => {
    const response = await fetch(`${pcs.url}/IntelSGXRootCA.der`, { method: 'POST' })
    expect(response.status).toBe(405)
  })
})
