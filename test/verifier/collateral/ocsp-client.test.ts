import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createSimulatedGpus, serveOcsp, type OcspRequest } from '@jeju/simulator/gpu'
import { createOcspClient, type CollateralFetchError } from '@jeju/verifier/collateral'
import { gpuTrust, parseOcspResponse, type GpuPolicy } from '@jeju/verifier/gpu'
import { encodeGpuEvidence } from '@jeju/verifier/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import { takesAnyGpu } from '../../gpu-policy.ts'
import { evidenceOf, machine } from '../evidence/fixture.ts'
import { AT, failures, gpusOf, nonce, verifierOf } from '../gpu/fixture.ts'

const gpus = gpusOf()
const required: GpuPolicy = { ...takesAnyGpu, ocsp: 'required' }
const closing: (() => Promise<unknown>)[] = []

afterAll(async () => {
  for (const close of closing) await close()
})

async function serviceOf(
  change?: (request: OcspRequest) => OcspRequest,
  of = gpus,
): ReturnType<typeof serveOcsp> {
  const service = await serveOcsp(of, { now: () => AT, ...(change && { change }) })
  closing.push(() => service.close())
  return service
}

function clientOf(
  url: string,
  now = (): Date => AT,
): { readonly client: ReturnType<typeof createOcspClient>; readonly codes: string[] } {
  const codes: string[] = []
  const onFailure = ({ code }: CollateralFetchError): void => void codes.push(code)
  return {
    client: createOcspClient({ fetch, baseUrl: url, now, onFailure, timeoutMs: 500 }),
    codes,
  }
}

/** What a relying party with that service says of a bundle with these GPUs. */
async function judged(url: string, of = gpus): Promise<readonly string[]> {
  const { td } = await machine()
  const evidence = of.evidence(nonce)
  const bundle = await evidenceOf(td, { bundle: { gpuEvidence: encodeGpuEvidence(evidence) } })
  const trust = gpuTrust({
    verifier: verifierOf(of),
    rims: { rimsFor: () => Promise.resolve(of.rims()) },
    ocsp: clientOf(url).client,
  })
  const { verifier, collateral = {} } = await trust.judgementFor(bundle)
  const context = { at: AT, policy: required, nonce, devicesDigest: 'any' } as const
  return failures(await verifier.verify(evidence, { ...context, collateral }))
}

describe('OCSP client', () => {
  test.each(['hopper', 'blackwell', 'hopper-ppcie'] as const)(
    'asks about every certificate that has a status, and those answers are all a policy needs: %s',
    async (name) => {
      const of = createSimulatedGpus({ at: AT, seed: 'gpu', machine: name })
      const service = await serviceOf(undefined, of)
      expect(await judged(service.url, of)).toEqual([])
      // BROM, provisioner and identity; once where devices share them, and the three signers of RIMs once.
      expect(service.asked).toBe(of.ocsp(AT).length)
    },
  )

  test.each([
    ['revoked', 'OCSP_REVOKED'],
    ['on-hold', 'OCSP_ON_HOLD'],
    ['unknown', 'OCSP_UNKNOWN'],
  ] as const)('D6 revoked_certificate_rejected: an answer that says %s', async (status, code) => {
    const service = await serviceOf((request) => ({ ...request, status }))
    expect(await judged(service.url)).toEqual([
      `gpu-revocation ${code}`,
      `gpu-rim-revocation ${code}`,
    ])
  })

  test('no service, and a policy that wants status: refused', async () => {
    expect(await judged('http://127.0.0.1:9')).toEqual([
      'gpu-revocation OCSP_MISSING',
      'gpu-rim-revocation OCSP_MISSING',
    ])
  })

  test('an answer of another machine about the same names counts for nothing', async () => {
    const others = createSimulatedGpus({ at: AT, seed: 'others' })
    const service = await serviceOf(undefined, others)
    expect(await judged(service.url)).toEqual([
      'gpu-revocation OCSP_MISSING',
      'gpu-rim-revocation OCSP_MISSING',
    ])
  })

  test('keeps an answer for an hour, and asks again for what it did not get', async () => {
    const { td } = await machine()
    const gpuEvidence = encodeGpuEvidence(gpus.evidence(nonce))
    const bundle = await evidenceOf(td, { bundle: { gpuEvidence } })
    const service = await serviceOf()
    let at = AT.getTime()
    const { client, codes } = clientOf(service.url, () => new Date(at))
    const trust = gpuTrust({
      verifier: verifierOf(gpus),
      rims: { rimsFor: () => Promise.resolve(gpus.rims()) },
      ocsp: client,
    })
    const answers = async (): Promise<number> =>
      (await trust.judgementFor(bundle)).collateral?.ocsp?.length ?? 0
    const [first] = await Promise.all([answers(), answers()])
    const { asked } = service
    expect(asked).toBe(first)
    at += 59 * 60_000
    await answers()
    expect(service.asked).toBe(asked)
    at += 2 * 60_000
    await answers()
    expect(service.asked).toBe(2 * asked)
    // Nobody answers about a leaf, or about what is no request at all.
    const leaf = Uint8Array.of(0x30, 0x00)
    expect(await client.answersTo([leaf, leaf])).toEqual([])
    expect(codes).toEqual(['FETCH_BODY_INVALID', 'FETCH_BODY_INVALID'])
    await client.answersTo([leaf])
    expect(codes).toHaveLength(3)
  })

  test('a node without GPUs, or with evidence that cannot be read, costs no question', async () => {
    const { td } = await machine()
    const service = await serviceOf()
    const trust = gpuTrust({
      verifier: verifierOf(gpus),
      rims: { rimsFor: () => Promise.resolve(new Map()) },
      ocsp: clientOf(service.url).client,
    })
    await trust.judgementFor(await evidenceOf(td))
    const garbled = await evidenceOf(td, { bundle: { gpuEvidence: new Uint8Array(3) } })
    await trust.judgementFor(garbled)
    expect(service.asked).toBe(0)
  })

  test.each([
    ['a text', 200, 'none', 'FETCH_BODY_INVALID'],
    ['nothing', 200, '', 'FETCH_BODY_INVALID'],
    ['tryLater', 200, '\u0030\u0003\u000a\u0001\u0003', 'FETCH_BODY_INVALID'],
    ['an error', 500, '', 'FETCH_STATUS'],
    ['another address', 307, '', 'FETCH_REDIRECTED'],
    ['no end', 200, 'x'.repeat(9000), 'FETCH_TOO_LARGE'],
    ['silence', 0, '', 'FETCH_TIMEOUT'],
  ] as const)('an answer that is none: %s', async (_, status, body, code) => {
    const server = createServer((request, response) => {
      request.resume()
      if (status === 0) return
      response.writeHead(status, status === 307 ? { Location: '/elsewhere' } : {})
      response.end(body)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closing.push(() => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    })
    const { client, codes } = clientOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    expect(await client.answersTo([Uint8Array.of(0x30, 0x00)])).toEqual([])
    expect(codes).toEqual([code])
  })

  test('answers are what the parser reads', async () => {
    const service = await serviceOf()
    const answers: Uint8Array[] = []
    const { td } = await machine()
    const trust = gpuTrust({
      verifier: verifierOf(gpus),
      rims: { rimsFor: () => Promise.resolve(new Map()) },
      ocsp: {
        answersTo: async (requests) => {
          answers.push(...(await clientOf(service.url).client.answersTo(requests)))
          return answers
        },
      },
    })
    const gpuEvidence = encodeGpuEvidence(gpus.evidence(nonce))
    await trust.judgementFor(await evidenceOf(td, { bundle: { gpuEvidence } }))
    // Without RIMs, the device's own three.
    expect(answers.map((answer) => parseOcspResponse(answer).status)).toEqual([
      'good',
      'good',
      'good',
    ])
  })

  test('options are checked', () => {
    for (const baseUrl of ['http://ocsp.example', 'https://user@ocsp.example', 'no url']) {
      expect(() => createOcspClient({ fetch, baseUrl, now: () => AT })).toThrow('baseUrl')
    }
  })
})
