import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createSimulatedGpus, serveNras, type NrasLie } from '@jeju/simulator/gpu'
import {
  createNrasClient,
  NVIDIA_NRAS_URL,
  type CollateralFetchError,
} from '@jeju/verifier/collateral'
import {
  gpuTrust,
  GpuVerifier,
  nrasSource,
  nvidiaTrustAnchor,
  simulatedGpuTrustAnchor,
  type GpuEvidence,
  type GpuPolicy,
} from '@jeju/verifier/gpu'
import { nodeP384 } from '@jeju/verifier/node'
import { encodeGpuEvidence, toBareHex } from '@jeju/verifier/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import { takesAnyGpu } from '../../gpu-policy.ts'
import { evidenceOf, machine } from '../evidence/fixture.ts'
import { AT, failures, gpusOf, nonce } from '../gpu/fixture.ts'

const gpus = gpusOf({ count: 2 })
const { devices } = gpus.evidence(nonce)
const hexNonce = toBareHex(nonce)
const closing: (() => Promise<unknown>)[] = []

afterAll(async () => {
  for (const close of closing) await close()
})

async function serviceOf(lie?: NrasLie, of = gpus): ReturnType<typeof serveNras> {
  const service = await serveNras(of, { now: () => AT, lie })
  closing.push(() => service.close())
  return service
}

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  closing.push(async () => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function clientOf(
  url: string,
  now = (): Date => AT,
): { readonly client: ReturnType<typeof createNrasClient>; readonly codes: string[] } {
  const codes: string[] = []
  const onFailure = ({ code }: CollateralFetchError): void => void codes.push(code)
  return {
    client: createNrasClient({ fetch, baseUrl: url, now, onFailure, timeoutMs: 500 }),
    codes,
  }
}

/** What a relying party with that service says of a bundle with these GPUs. */
async function judged(
  url: string,
  appraisal: GpuPolicy['appraisal'],
  {
    of = gpus,
    own = of.evidence(nonce),
  }: { readonly of?: typeof gpus; readonly own?: GpuEvidence } = {},
): Promise<{ readonly failed: readonly string[]; readonly tier: string | undefined }> {
  const { td } = await machine()
  const bundle = await evidenceOf(td, { bundle: { gpuEvidence: encodeGpuEvidence(own) } })
  const anchor = simulatedGpuTrustAnchor('test', of.roots)
  const trust = gpuTrust({
    verifier: new GpuVerifier(anchor, { signatures: nodeP384 }),
    rims: { rimsFor: () => Promise.resolve(of.rims()) },
    nras: nrasSource(clientOf(url).client, anchor),
  })
  const { verifier, collateral = {} } = await trust.judgementFor(bundle)
  const policy = { ...takesAnyGpu, appraisal }
  const context = { at: AT, policy, nonce, devicesDigest: 'any', collateral } as const
  const report = await verifier.verify(own, context)
  return { failed: failures(report), tier: report.claims?.tier }
}

describe('NRAS client', () => {
  test.each([
    ['hopper', 'nras', 1],
    ['blackwell', 'both', 1],
    ['hopper-ppcie', 'both', 2],
  ] as const)(
    'asks about every device, and what it answers is what the policy needs: %s, %s',
    async (name, appraisal, questions) => {
      const of = createSimulatedGpus({ at: AT, seed: 'gpu', machine: name })
      const service = await serviceOf(undefined, of)
      expect(await judged(service.url, appraisal, { of })).toEqual({
        failed: [],
        tier: 'simulated',
      })
      expect(service.asked).toHaveLength(questions)
    },
  )

  test('sends evidence, its nonce, and nothing else', async () => {
    const service = await serviceOf()
    await clientOf(service.url).client.answersFor(devices, hexNonce)
    expect(service.asked).toEqual([
      {
        nonce: hexNonce,
        arch: 'HOPPER',
        evidence_list: devices.map(({ report, certificates }) => ({
          evidence: Buffer.from(report).toString('base64'),
          certificate: Buffer.from(certificates).toString('base64'),
        })),
        claims_version: '3.0',
      },
    ])
  })

  test.each([
    ['alg-none', 'NRAS_SIGNATURE_INVALID'],
    ['other-keys', 'NRAS_SIGNATURE_INVALID'],
    ['wrong-issuer', 'NRAS_ISSUER_INVALID'],
    ['staging-issuer', 'NRAS_ISSUER_INVALID'],
    ['other-nonce', 'NRAS_NONCE_MISMATCH'],
    ['other-submodule', 'NRAS_SUBMODULE_MISMATCH'],
    ['missing-device', 'NRAS_SUBMODULE_MISMATCH'],
    ['expired', 'NRAS_EXPIRED'],
  ] as const)('D2 a service that lies: %s', async (lie, code) => {
    const { url } = await serviceOf(lie)
    expect((await judged(url, 'nras')).failed).toEqual([`gpu-reference-values ${code}`])
    expect((await judged(url, 'both')).failed).toEqual([`gpu-reference-values ${code}`])
  })

  test('D2 answers that a node brings are not taken where the relying party asks itself', async () => {
    const own = { ...gpus.evidence(nonce), nras: gpus.nrasAnswers(nonce, AT) }
    const nobody = await judged('http://127.0.0.1:9', 'nras', { own })
    expect(nobody.failed).toEqual(['gpu-reference-values NRAS_MISSING'])
  })

  test('a machine of which one kind could not be asked about has no answer at all', async () => {
    const of = createSimulatedGpus({ at: AT, seed: 'gpu', machine: 'hopper-ppcie' })
    const service = await serviceOf(undefined, of)
    const { client, codes } = clientOf(service.url)
    const gpusAndOneSwitch = of.evidence(nonce).devices.slice(0, 9)
    expect(await client.answersFor(gpusAndOneSwitch, hexNonce)).toEqual([])
    expect(codes).toEqual(['FETCH_STATUS'])
  })

  test.each<[string, RequestListener, string]>([
    ['status 400', (_, response) => void response.writeHead(400).end('{}'), 'FETCH_STATUS'],
    ['status 503', (_, response) => void response.writeHead(503).end('[]'), 'FETCH_STATUS'],
    [
      'T10 a redirect',
      (_, response) => void response.writeHead(307, { location: 'http://127.0.0.1:9' }).end(),
      'FETCH_REDIRECTED',
    ],
    ['what is not JSON', (_, response) => void response.end('<html>'), 'FETCH_BODY_INVALID'],
    ['a member twice', (_, response) => void response.end('{"a":1,"a":1}'), 'FETCH_BODY_INVALID'],
    ['another shape', (_, response) => void response.end('{"keys":[]}'), 'FETCH_BODY_INVALID'],
    [
      'T10 an answer too large',
      (_, response) => void response.end(`["${'x'.repeat(600 * 1024)}"]`),
      'FETCH_TOO_LARGE',
    ],
    ['no answer in time', () => undefined, 'FETCH_TIMEOUT'],
    ['one that breaks off', (_, response) => void response.destroy(), 'FETCH_FAILED'],
  ])('%s: neither answers nor keys', async (_, listener, code) => {
    const { client, codes } = clientOf(await serve(listener))
    expect(await client.answersFor(devices, hexNonce)).toEqual([])
    expect(await client.jwks()).toBeUndefined()
    expect(codes).toEqual([code, code])
  })

  test('keys are kept for an hour, and asked for again where an answer names another, once a minute', async () => {
    let asked = 0
    let keys: object = { keys: [{ kty: 'EC', kid: 'other' }] }
    const url = await serve((_, response) => {
      asked++
      response.end(JSON.stringify(keys))
    })
    let at = AT.getTime()
    const { client } = clientOf(url, () => new Date(at))
    const answers = gpus.nrasAnswers(nonce, AT)
    await client.jwks(answers)
    await client.jwks(answers)
    expect(asked).toBe(1)
    at += 60_000
    keys = gpus.nras.jwks
    expect(await client.jwks(answers)).toEqual(gpus.nras.jwks)
    at += 60_000
    await client.jwks(answers)
    expect(asked).toBe(2)
    at += 3600_000
    await client.jwks(answers)
    expect(asked).toBe(3)
  })

  test('keys that could not be had are asked for again at once', async () => {
    let asked = 0
    const url = await serve((_, response) => {
      asked++
      response.writeHead(asked === 1 ? 503 : 200).end(JSON.stringify(gpus.nras.jwks))
    })
    const { client } = clientOf(url)
    expect([await client.jwks(), await client.jwks()]).toEqual([undefined, gpus.nras.jwks])
  })

  test.each(['http://nras.example', 'nowhere', 'https://user@nras.example'])(
    'an address that cannot be: %s',
    (url) => {
      expect(() => clientOf(url)).toThrow(
        expect.objectContaining({ code: 'FETCH_OPTIONS_INVALID' }),
      )
    },
  )

  test('a nonce that is none is not sent', async () => {
    const service = await serviceOf()
    const { client, codes } = clientOf(service.url)
    expect(await client.answersFor(devices, 'ab')).toEqual([])
    expect([codes, service.asked]).toEqual([['FETCH_REQUEST_INVALID'], []])
  })

  test('D2 keys of another address are not NVIDIA’s, and NVIDIA’s are not simulated', () => {
    const simulated = simulatedGpuTrustAnchor('test', gpus.roots)
    const nvidia = clientOf(NVIDIA_NRAS_URL).client
    const other = clientOf('https://nras.example').client
    const refused = expect.objectContaining({ code: 'TRUST_ANCHOR_INVALID' })
    expect(() => nrasSource(other, nvidiaTrustAnchor())).toThrow(refused)
    expect(() => nrasSource(nvidia, simulated)).toThrow(refused)
    expect(() => nrasSource(nvidia, nvidiaTrustAnchor())).not.toThrow()
  })
})
