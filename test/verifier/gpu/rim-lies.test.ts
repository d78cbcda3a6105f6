import { describe, expect, test } from 'vitest'
import { writeRim, type RimLies } from '@jeju/simulator/gpu'
import type { GpuContext, GpuPolicy, GpuReport } from '@jeju/verifier/gpu'
import { sha256, toHex } from '@jeju/verifier/protocol'
import { takesAnyGpu as policy } from '../../gpu-policy.ts'
import { AT, failures, gpusOf } from './fixture.ts'
import { hopper, lied } from './lies.ts'

describe('reference values', () => {
  const rims = (lies: RimLies): Partial<GpuContext> => ({ collateral: { rims: hopper.rims(lies) } })
  const edit = (from: string | RegExp, to: string): RimLies => ({
    edit: (text) => text.replace(from, to),
  })
  const cases: readonly (readonly [string, RimLies, string])[] = [
    ['a golden value changed', edit(/Hash0="../, 'Hash0="ff'), 'RIM_SIGNATURE_INVALID'],
    ['an entry made active', edit('active="False"', 'active="True"'), 'RIM_SIGNATURE_INVALID'],
    [
      'a resource added behind the signature',
      edit('</SoftwareIdentity>', '<a/></SoftwareIdentity>'),
      'RIM_SIGNATURE_INVALID',
    ],
    [
      'a second signature',
      { edit: (text) => text.replace(/(<ds:Signature xmlns[^]*<\/ds:Signature>)/, '$1$1') },
      'RIM_INVALID',
    ],
    [
      'no signature',
      { edit: (text) => text.replace(/<ds:Signature xmlns[^]*<\/ds:Signature>/, '') },
      'RIM_INVALID',
    ],
    [
      'a signature moved into the payload',
      {
        edit: (text) => {
          const [signature = ''] = /<ds:Signature xmlns[^]*<\/ds:Signature>/.exec(text) ?? []
          return text.replace(signature, '').replace('</ns0:Payload>', `${signature}</ns0:Payload>`)
        },
      },
      'RIM_INVALID',
    ],
    ['a reference to a part', edit('URI=""', 'URI="#a"'), 'RIM_INVALID'],
    [
      'a transform more',
      edit(
        '<ds:Transforms>',
        '<ds:Transforms><ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"></ds:Transform>',
      ),
      'RIM_INVALID',
    ],
    ['another digest algorithm', edit('xmldsig-more#sha384', 'xmlenc#sha256'), 'RIM_INVALID'],
    ['another signature algorithm', edit('ecdsa-sha384', 'hmac-sha384'), 'RIM_INVALID'],
    [
      'an object beside',
      edit('</ds:Signature>', '<ds:Object></ds:Object></ds:Signature>'),
      'RIM_INVALID',
    ],
    ['a document type', edit(/^/, '<!DOCTYPE a>'), 'RIM_INVALID'],
    ['a comment', edit('<ns0:Payload', '<!-- a --><ns0:Payload'), 'RIM_INVALID'],
    ['signed by a key outside of its chain', {}, 'RIM_SIGNATURE_INVALID'],
  ]
  test.each(cases)('%s', async (name, lies, code) => {
    const changed = name.includes('key outside')
      ? { signWith: gpusOf({ seed: 'other' }).rimPki.signer }
      : lies
    expect(failures(await lied({}, hopper, rims(changed)))).toEqual([
      `gpu-reference-values ${code}`,
    ])
  })

  test('a comment that canonical XML leaves out is refused all the same', async () => {
    const report = await lied({}, hopper, rims(edit('</ns0:Meta>', '<!-- a --></ns0:Meta>')))
    expect(failures(report)).toEqual(['gpu-reference-values RIM_INVALID'])
  })

  test('white space in tags and other quotes mean the same', async () => {
    const report = await lied({}, hopper, rims(edit(/active="True"/g, "active = 'True' ")))
    expect(failures(report)).toEqual([])
  })

  test('signed under another root, or with its own certificates', async () => {
    const other = gpusOf({ seed: 'other' })
    const foreign = { collateral: { rims: other.rims() } }
    expect(failures(await lied({}, hopper, foreign))).toEqual([
      'gpu-reference-values RIM_CHAIN_UNTRUSTED',
    ])
    const mixed = {
      chain: [other.rimPki.signer, ...hopper.rimPki.chain.slice(1)],
      signWith: other.rimPki.signer,
    }
    expect(failures(await lied({}, hopper, rims(mixed)))).toEqual([
      'gpu-reference-values RIM_CERT_INVALID',
    ])
    const short = { chain: hopper.rimPki.chain.slice(0, 3) }
    expect(failures(await lied({}, hopper, rims(short)))).toEqual([
      'gpu-reference-values RIM_CHAIN_INVALID',
    ])
  })

  const request = (id: string, change: object): Partial<GpuContext> => {
    const all = [...hopper.rimRequests].map(([own, honest]) => {
      const said = own.startsWith(id) ? { ...honest, ...change } : honest
      return [own, writeRim(said, hopper.rimPki)] as const
    })
    return { collateral: { rims: new Map(all) } }
  }

  test.each([
    ['another product', { product: 'GB100' }],
    ['another edition', { edition: 'SWITCH' }],
    ['another version', { version: '1.0' }],
  ])('signed, and of %s', async (_, change) => {
    expect(failures(await lied({}, hopper, request('NV_GPU_DRIVER', change)))).toEqual([
      'gpu-reference-values RIM_MISMATCH',
    ])
  })

  test('no active measurement', async () => {
    const none = request('NV_GPU_VBIOS', { golden: new Map() })
    expect(failures(await lied({}, hopper, none))).toEqual(['gpu-reference-values RIM_INVALID'])
  })

  test('two RIMs for one measurement', async () => {
    const both = request('NV_GPU_VBIOS', { golden: new Map([[7, [new Uint8Array(48)]]]) })
    expect(failures(await lied({}, hopper, both))).toEqual(['gpu-measurements RIM_INDEX_CONFLICT'])
  })

  test('a security version below its floor, where the report says one', async () => {
    const floor = (minSvn: number): Partial<GpuContext> =>
      request('NV_GPU_DRIVER', { minSvns: new Map([[37, minSvn]]) })
    const nvdaod = gpusOf({ format: 'nvdaod' })
    expect(failures(await lied({}, nvdaod, floor(5)))).toEqual([])
    expect(failures(await lied({}, nvdaod, floor(6)))).toEqual([
      'gpu-measurements GPU_MEASUREMENT_MISMATCH',
    ])
    // The older format has no such type: what is not stated is not at the floor.
    expect(failures(await lied({}, hopper, floor(0)))).toEqual([
      'gpu-measurements GPU_MEASUREMENT_MISMATCH',
    ])
  })

  test('RIM expiry is a result of its own, tolerated for listed documents and a while', async () => {
    const day = 24 * 3600 * 1000
    const at = new Date(AT.getTime() + 375 * day)
    expect(failures(await lied({}, hopper, { at }))).toEqual(['gpu-rim-expiry RIM_EXPIRED'])
    const digests = [...hopper.rims().values()].map((document) => toHex(sha256(document)))
    const within = (expiredRims: GpuPolicy['expiredRims']): Promise<GpuReport> =>
      lied({}, hopper, { at, policy: { ...policy, expiredRims } })
    expect(failures(await within({ graceDays: 10, digests }))).toEqual([])
    expect(failures(await within({ graceDays: 9, digests }))).toEqual([
      'gpu-rim-expiry RIM_EXPIRED',
    ])
    expect(failures(await within({ graceDays: 10, digests: [] }))).toEqual([
      'gpu-rim-expiry RIM_EXPIRED',
    ])
    expect(failures(await within({ graceDays: 10, digests: 'any' }))).toEqual([])
  })
})
