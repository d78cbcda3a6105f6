import { describe, expect, test } from 'vitest'
import type { GpuLies, SpdmContent } from '@jeju/simulator/gpu'
import { concatBytes, sha256, utf8 } from '@jeju/verifier/protocol'
import { AT, failures, gpusOf, judge, nonce, skippedNames } from './fixture.ts'
import { flipped, hopper, lied, measured, reported, two } from './lies.ts'

describe('reports', () => {
  const cases: readonly (readonly [string, GpuLies, string])[] = [
    ['another nonce', { nonce: sha256(utf8('other')) }, 'gpu-nonce GPU_NONCE_MISMATCH'],
    ['zeros as nonce', { nonce: new Uint8Array(32) }, 'gpu-nonce GPU_NONCE_CANNED'],
    [
      'a signature with one bit flipped',
      { report: (report) => flipped(report, -1) },
      'gpu-report-signature GPU_REPORT_SIGNATURE_INVALID',
    ],
    [
      'a measurement changed after it was signed',
      { report: (report) => flipped(report, 60) },
      'gpu-report-signature GPU_REPORT_SIGNATURE_INVALID',
    ],
    [
      'a report cut short',
      { report: (report) => report.slice(0, -1) },
      'gpu-report GPU_REPORT_INVALID',
    ],
    [
      'four bytes of padding',
      { report: (report) => concatBytes(report, new Uint8Array(4)) },
      'gpu-report GPU_REPORT_INVALID',
    ],
    [
      'padding that is not zero',
      { report: (report) => concatBytes(report, Uint8Array.of(1)) },
      'gpu-report GPU_REPORT_INVALID',
    ],
    [
      'a report for one measurement',
      { report: (report) => flipped(report, 3) },
      'gpu-report GPU_REPORT_INVALID',
    ],
    [
      'a record twice',
      {
        content: (content) => ({
          ...content,
          opaque: [...content.opaque, ...content.opaque.slice(0, 1)],
        }),
      },
      'gpu-report GPU_REPORT_INVALID',
    ],
    [
      'firmware of another digest',
      { content: (content) => reported(content, 20, new Uint8Array(48)) },
      'gpu-firmware-id GPU_FWID_MISMATCH',
    ],
    [
      'no firmware digest',
      { content: (content) => reported(content, 20, undefined) },
      'gpu-firmware-id GPU_FWID_MISSING',
    ],
    [
      'another measurement of the driver',
      { content: (content) => measured(content, 22, new Uint8Array(48)) },
      'gpu-measurements GPU_MEASUREMENT_MISMATCH',
    ],
    [
      'another measurement of the VBIOS',
      { content: (content) => measured(content, 12, new Uint8Array(48)) },
      'gpu-measurements GPU_MEASUREMENT_MISMATCH',
    ],
    [
      'fewer measurements',
      { content: (content) => ({ ...content, measurements: content.measurements.slice(0, 40) }) },
      'gpu-measurements GPU_MEASUREMENT_MISMATCH',
    ],
    [
      'a decoder neither on nor off',
      { content: (content) => reported(content, 11, Uint8Array.of(0)) },
      'gpu-identity GPU_REPORT_INVALID',
    ],
    [
      'counts of measurements cut short',
      {
        content: (content) => ({
          ...content,
          opaque: [...content.opaque, { id: 12, valueType: 0x84, data: new Uint8Array(107) }],
        }),
      },
      'gpu-identity GPU_REPORT_INVALID',
    ],
    [
      'a mode nobody knows',
      { content: (content) => reported(content, 36, Uint8Array.of(9, 0)) },
      'gpu-confidential-mode GPU_MODE_REFUSED',
    ],
    [
      'two modes at once',
      { content: (content) => reported(content, 21, Uint8Array.of(0xaa)) },
      'gpu-confidential-mode GPU_MODE_REFUSED',
    ],
  ]
  test.each(cases)('%s', async (_, lies, objection) => {
    expect(failures(await lied(lies))).toEqual([objection])
  })

  test('records that nobody here reads, in any order, and fewer counts than measurements', async () => {
    const content = (honest: SpdmContent): SpdmContent => ({
      ...honest,
      opaque: [
        { id: 0x7777, valueType: 0x82, data: utf8('later') },
        ...honest.opaque.toReversed(),
        { id: 12, valueType: 0x84, data: new Uint8Array(4 * 26) },
      ],
    })
    expect(failures(await lied({ content }))).toEqual([])
    expect(failures(await lied({ content }, gpusOf({ format: 'nvdaod' })))).toEqual([])
  })

  test('another driver than the RIM is for: there is no RIM of it', async () => {
    const content = (honest: SpdmContent): SpdmContent => reported(honest, 3, utf8('1.2.3\0'))
    expect(failures(await lied({ content }))).toEqual(['gpu-reference-values RIM_MISSING'])
    const odd = (honest: SpdmContent): SpdmContent => reported(honest, 3, utf8('../x\0'))
    expect(failures(await lied({ content: odd }))).toEqual(['gpu-identity RIM_MISSING'])
  })

  test('a decoder of which nothing is said: index 35 is neither equal nor left out', async () => {
    const silent = (content: SpdmContent): SpdmContent => reported(content, 11, undefined)
    expect(failures(await lied({ content: silent }))).toEqual([
      'gpu-measurements GPU_MEASUREMENT_MISMATCH',
    ])
  })

  test('index 35 counts where the first decoder is on', async () => {
    const on = (content: SpdmContent): SpdmContent => reported(content, 11, Uint8Array.of(0xaa))
    const other = (content: SpdmContent): SpdmContent => measured(content, 35, new Uint8Array(48))
    expect(failures(await lied({ content: other }))).toEqual([])
    expect(failures(await lied({ content: (content) => other(on(content)) }))).toEqual([
      'gpu-measurements GPU_MEASUREMENT_MISMATCH',
    ])
  })
})

describe('certificates', () => {
  const blocks = (pem: string): readonly string[] => pem.match(/-----BEGIN[^]*?-----END.*\n/g) ?? []

  test.each([
    ['the leaf alone', (pem: string) => blocks(pem)[0] ?? '', 'GPU_CHAIN_INVALID'],
    ['one left out', (pem: string) => blocks(pem).toSpliced(2, 1).join(''), 'GPU_CERT_INVALID'],
    ['turned around', (pem: string) => blocks(pem).toReversed().join(''), 'GPU_CHAIN_UNTRUSTED'],
    ['text between', (pem: string) => `${pem}text`, 'GPU_CHAIN_INVALID'],
  ])('%s', async (_, certificates, code) => {
    expect(failures(await lied({ certificates }))).toEqual([`gpu-certificate-chain ${code}`])
  })

  test('four certificates without the root will do, and a NUL behind them', async () => {
    const certificates = (pem: string): string => `${blocks(pem).slice(0, 4).join('')}\0`
    expect(failures(await lied({ certificates }))).toEqual([])
  })

  test('a chain under another root', async () => {
    const other = gpusOf({ seed: 'other' })
    const evidence = other.evidence(nonce)
    expect(failures(await judge(hopper, evidence))).toEqual([
      'gpu-certificate-chain GPU_CHAIN_UNTRUSTED',
    ])
  })

  test('of another device of the same machine', async () => {
    const [first, second] = two.evidence(nonce).devices
    const certificates = (): string => second?.certificates ?? ''
    const devices = first === undefined ? [] : [{ ...first, certificates: certificates() }]
    expect(failures(await judge(two, { ...two.evidence(nonce), devices }))).toEqual([
      'gpu-report-signature GPU_REPORT_SIGNATURE_INVALID',
    ])
  })

  test('before they begin', async () => {
    const at = new Date(AT.getTime() - 40 * 24 * 3600 * 1000)
    expect(failures(await lied({}, hopper, { at }))).toEqual([
      'gpu-certificate-chain GPU_CERT_NOT_YET_VALID',
    ])
  })

  test('below a signature that does not hold nothing is looked at', async () => {
    const report = await lied({ report: (bytes) => flipped(bytes, -1) })
    expect(skippedNames(report)).toHaveLength(12)
  })
})
