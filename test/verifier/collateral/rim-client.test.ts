import { serveRims, type RimAnswer, type RimService } from '@jeju/simulator/gpu'
import { createRimClient, type CollateralFetchError } from '@jeju/verifier/collateral'
import { gpuTrust } from '@jeju/verifier/gpu'
import { encodeGpuEvidence } from '@jeju/verifier/protocol'
import { afterAll, describe, expect, test } from 'vitest'
import { gpusOf, verifierOf } from '../gpu/fixture.ts'
import { evidenceOf, machine } from '../evidence/fixture.ts'

const gpus = gpusOf()
const ids = [...gpus.rims().keys()]
const services: RimService[] = []

afterAll(async () => {
  for (const service of services) await service.close()
})

async function serviceOf(change?: (answer: RimAnswer) => unknown): Promise<RimService> {
  const service = await serveRims(gpus, change)
  services.push(service)
  return service
}

/** A client, and the codes of what it could not have. */
function clientOf(
  { url }: RimService,
  now = (): Date => new Date(),
): { client: ReturnType<typeof createRimClient>; codes: string[] } {
  const codes: string[] = []
  const onFailure = ({ code }: CollateralFetchError): void => void codes.push(code)
  return { client: createRimClient({ fetch, baseUrl: url, now, onFailure }), codes }
}

describe('RIM client', () => {
  test('fetches documents by id, each once a day', async () => {
    const service = await serviceOf()
    let at = Date.parse('2029-02-20T00:00:00Z')
    const { client, codes } = clientOf(service, () => new Date(at))
    const [one, again] = await Promise.all([client.rimsFor(ids), client.rimsFor(ids)])
    expect(one).toEqual(gpus.rims())
    expect(again).toEqual(one)
    expect(service.asked).toEqual(ids)
    at += 25 * 3600 * 1000
    await client.rimsFor(ids)
    expect(service.asked).toEqual([...ids, ...ids])
    expect(codes).toEqual([])
  })

  test('D5 rim_missing_rejected: what the service has not is left out, and asked for again', async () => {
    const service = await serviceOf()
    const { client, codes } = clientOf(service)
    const unknown = 'NV_GPU_DRIVER_GH100_999.99.99'
    for (let time = 0; time < 2; time++) {
      expect([...(await client.rimsFor([unknown, ...ids])).keys()]).toEqual(ids)
    }
    expect(codes).toEqual(['FETCH_STATUS', 'FETCH_STATUS'])
    expect(service.asked.filter((id) => id === unknown)).toHaveLength(2)
  })

  test('an id that is none is sent nowhere', async () => {
    const service = await serviceOf()
    const { client, codes } = clientOf(service)
    const wrong = ['../v2/rim', 'NV_GPU/../x', 'NV_GPU?x', 'X_GPU', '']
    expect(await client.rimsFor(wrong)).toEqual(new Map())
    expect(codes).toEqual(wrong.map(() => 'FETCH_REQUEST_INVALID'))
    expect(service.asked).toEqual([])
  })

  const lies: readonly (readonly [string, (answer: RimAnswer) => unknown])[] = [
    ['another id', (answer) => ({ ...answer, id: 'NV_GPU_DRIVER_GH100_1.1.1' })],
    ['another digest', (answer) => ({ ...answer, sha256: '00'.repeat(32) })],
    ['no digest', (answer) => ({ ...answer, sha256: undefined })],
    ['no base64', (answer) => ({ ...answer, rim: '----' })],
    ['no document', (answer) => ({ ...answer, rim: undefined })],
    ['a list', (answer) => [answer]],
    ['a text', () => 'text'],
  ]
  test.each(lies)('an answer that is none: %s', async (_, change) => {
    const { client, codes } = clientOf(await serviceOf(change))
    expect(await client.rimsFor(ids)).toEqual(new Map())
    expect(new Set(codes)).toEqual(new Set(['FETCH_BODY_INVALID']))
  })

  test('an answer without end, and nobody there', async () => {
    const { client, codes } = clientOf(
      await serviceOf((answer) => ({ ...answer, x: 'x'.repeat(6e5) })),
    )
    expect(await client.rimsFor(ids.slice(0, 1))).toEqual(new Map())
    const nobody = createRimClient({
      fetch,
      baseUrl: 'http://127.0.0.1:9',
      now: () => new Date(),
      onFailure: ({ code }) => void codes.push(code),
    })
    expect(await nobody.rimsFor(ids.slice(0, 1))).toEqual(new Map())
    expect(codes).toEqual(['FETCH_TOO_LARGE', 'FETCH_FAILED'])
  })

  test('options are checked', () => {
    const options = { fetch, now: () => new Date() }
    for (const baseUrl of ['http://rims.example', 'https://user@rims.example', 'no url']) {
      expect(() => createRimClient({ ...options, baseUrl })).toThrow('baseUrl')
    }
  })
})

describe('trust in GPUs', () => {
  test('asks for what the devices of a bundle name, and never uses what the node brings', async () => {
    const { td } = await machine()
    const asked: (readonly string[])[] = []
    const trust = gpuTrust({
      verifier: verifierOf(gpus),
      rims: {
        rimsFor: (wanted) => {
          asked.push(wanted)
          return Promise.resolve(new Map())
        },
      },
    })
    const gpuEvidence = encodeGpuEvidence(gpus.evidence(new Uint8Array(32).fill(1)))
    const judgement = await trust.judgementFor(await evidenceOf(td, { bundle: { gpuEvidence } }))
    expect(asked).toEqual([ids])
    expect(judgement.collateral?.rims).toEqual(new Map())
    await trust.judgementFor(await evidenceOf(td))
    const garbled = await evidenceOf(td, { bundle: { gpuEvidence: new Uint8Array(3) } })
    await trust.judgementFor(garbled)
    // A CPU-only node, or evidence of which no id can be read, costs no request.
    expect(asked).toEqual([ids])
  })
})
