import { describe, expect, test } from 'vitest'
import { parseCollateral, type QuoteCollateral } from '@jeju/verifier'
import { createCollateralClient } from '@jeju/verifier/collateral'
import { toBareHex } from '@jeju/verifier/protocol'
import { haveVectors, vectorText } from '../vectors.ts'

const CHAINS = { tcb: 'TCB-Info', identity: 'SGX-Enclave-Identity', pckcrl: 'SGX-PCK-CRL' }

/** Answers as Intel's service and a PCCS gave the parts of that bundle, whatever number is asked for. */
function answering(bundle: QuoteCollateral): (url: string) => Promise<Response> {
  const chain = (name: string, pem: string): Record<string, string> => ({
    [`${name}-Issuer-Chain`]: encodeURIComponent(pem),
  })
  const signed = (member: string, text: string, signature: Uint8Array): string =>
    `{"${member}":${text},"signature":"${toBareHex(signature)}"}`
  const answers: Readonly<Record<string, () => Response>> = {
    tcb: () =>
      new Response(signed('tcbInfo', bundle.tcbInfo, bundle.tcbInfoSignature), {
        headers: chain(CHAINS.tcb, bundle.tcbInfoIssuerChain),
      }),
    identity: () =>
      new Response(signed('enclaveIdentity', bundle.qeIdentity, bundle.qeIdentitySignature), {
        headers: chain(CHAINS.identity, bundle.qeIdentityIssuerChain),
      }),
    pckcrl: () =>
      new Response(Uint8Array.from(bundle.pckCrl), {
        headers: chain(CHAINS.pckcrl, bundle.pckCrlIssuerChain),
      }),
    rootcacrl: () => new Response(toBareHex(bundle.rootCaCrl)),
  }
  return (url) => {
    const made = answers[new URL(url).pathname.split('/').at(-1) ?? '']
    return made === undefined ? Promise.reject(new TypeError(url)) : Promise.resolve(made())
  }
}

function fetchRecorded(name: string, at: string): [QuoteCollateral, Promise<QuoteCollateral>] {
  const bundle = parseCollateral(vectorText('tdx', 'bundles', `${name}.json`))
  const [, fmspc = ''] = /"fmspc":"([0-9A-Fa-f]{12})"/.exec(bundle.tcbInfo) ?? []
  const client = createCollateralClient({
    fetch: answering(bundle),
    baseUrl: 'https://pccs.example',
    now: () => new Date(at),
  })
  return [bundle, client.collateralFor({ fmspc, ca: 'platform' })]
}

describe.runIf(haveVectors)('collateral that Intel has published', () => {
  test.each([
    ['v5-td15-trustee-notsupported', '2024-06-01T00:00:00Z'],
    ['v4-uptodate-onprem-b0c06f-own-collateral', '2025-07-01T00:00:00Z'],
    ['v4-uptodate-dstack-near-2025-11', '2025-11-19T00:00:00Z'],
    ['v5-td15-alibaba-outofdate', '2026-02-02T00:00:00Z'],
    ['v4-uptodate-dstack-near-eval19', '2026-08-12T00:00:00Z'],
  ])('%s comes through the client byte by byte', async (name, at) => {
    const [bundle, fetched] = fetchRecorded(name, at)
    expect(await fetched).toEqual(bundle)
  })

  test('of two numbers, with none to be had by number, it is refused', async () => {
    const [, fetched] = fetchRecorded('v4-dstack-near-eval20-mixed', '2026-08-14T00:00:00Z')
    await expect(fetched).rejects.toMatchObject({ code: 'FETCH_NUMBERS_DIFFER' })
  })
})
