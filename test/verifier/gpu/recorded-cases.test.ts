import { describe, expect, test } from 'vitest'
import {
  parseOcspResponse,
  parseSpdmReport,
  type GpuPolicy,
  type GpuReport,
} from '@jeju/verifier/gpu'
import { sha256, toHex } from '@jeju/verifier/protocol'
import { CertificateStore } from '../../../verifier/src/pki/certificates.ts'
import { P384_PROFILE } from '../../../verifier/src/x509/ecdsa-profile.ts'
import { P384Verifier } from '../../../verifier/src/x509/p384.ts'
import { nvidiaTrustAnchor } from '../../../verifier/src/gpu/gpu-trust-anchor.ts'
import {
  matchMeasurements,
  requireMatch,
} from '../../../verifier/src/gpu/rim/match-measurements.ts'
import { readDeviceFacts } from '../../../verifier/src/gpu/spdm/device-facts.ts'
import { verifyRim } from '../../../verifier/src/gpu/rim/verify-rim.ts'
import { haveGpuVectors, vectorBytes } from '../vectors.ts'
import { takesAnyGpu as policy } from '../../gpu-policy.ts'
import { devicesOf, expectations, judgeRecorded, rimsOf, statusOf } from './recorded.ts'

const DRIVER = 'NV_GPU_DRIVER_GH100_550.90.07'
const VBIOS = 'NV_GPU_VBIOS_1010_0200_882_96009F0001'
const SWITCH = 'NV_SWITCH_BIOS_5612_0002_890_9610550001'
const case1Rims = { [DRIVER]: `${DRIVER}.xml`, [VBIOS]: `${VBIOS}.xml` }
const anyCount: GpuPolicy = { ...policy, count: { min: 1, max: 64 } }

function evidenceOf({ checks }: GpuReport, name: string): unknown {
  const check = checks.find((candidate) => candidate.name === name)
  return check?.status === 'passed' ? check.evidence : check
}

interface ExpectedRim {
  readonly result?: 'fail'
  readonly product: string
  readonly edition: string
  readonly version: string
  readonly activeIndexes: readonly number[]
  readonly alternatives: Readonly<Record<string, number>>
  readonly chainValidTo: string
}

describe.runIf(haveGpuVectors)('recorded RIMs', () => {
  const files = haveGpuVectors ? expectations<ExpectedRim>('rims') : []

  test.each(files)('%s', async (file, wanted) => {
    const keys = new P384Verifier()
    const store = new CertificateStore(keys, P384_PROFILE)
    const document = vectorBytes('nvidia', 'rims', file)
    const verified = verifyRim(document, nvidiaTrustAnchor().rimRoot, store, keys)
    if (wanted.result === 'fail') {
      const isChain = file.includes('incorrect_cert_chain')
      const code = isChain ? 'RIM_CHAIN_INVALID' : 'RIM_SIGNATURE_INVALID'
      await expect(verified).rejects.toMatchObject({ code })
      return
    }
    const { content, chain } = await verified
    const { product, edition, version, golden } = content
    expect({ product, edition, version }).toEqual({
      product: wanted.product,
      edition: wanted.edition,
      version: wanted.version,
    })
    expect([...golden.keys()]).toEqual(wanted.activeIndexes)
    const several = [...golden].filter(([, digests]) => digests.length > 1)
    expect(Object.fromEntries(several.map(([index, { length }]) => [index, length]))).toEqual(
      wanted.alternatives,
    )
    const end = Math.min(...chain.map(({ notAfter }) => notAfter))
    expect(new Date(end).toISOString()).toBe(wanted.chainValidTo)
  })
})

describe.runIf(haveGpuVectors)('recorded GPUs and their RIMs', () => {
  const hopper = haveGpuVectors ? devicesOf('trustee-hopper-case1') : []

  test('full positive: 32 match, 35 skipped, nothing expired', async () => {
    const report = await judgeRecorded(hopper, {
      at: new Date('2025-06-01T00:00:00Z'),
      collateral: { rims: rimsOf(case1Rims) },
    })
    expect(evidenceOf(report, 'gpu-measurements')).toEqual({
      devices: [{ matched: 32, skipped: [35] }],
    })
    expect(report.claims).toMatchObject({
      tier: 'nvidia',
      mode: 'SPT',
      devices: [{ architecture: 'HOPPER', pdi: '431d480fe5e87274', driverVersion: '550.90.07' }],
    })
  })

  test('the same after both signers ended: measurements match, expiry is its own result', async () => {
    const at = new Date('2026-11-22T00:00:00Z')
    const collateral = { rims: rimsOf(case1Rims) }
    const report = await judgeRecorded(hopper, { at, collateral })
    expect(statusOf(report)).toMatchObject({
      'gpu-reference-values': 'passed',
      'gpu-measurements': 'passed',
      'gpu-rim-expiry': 'RIM_EXPIRED',
    })
    expect(report.claims).toBeUndefined()
    const digests = [...collateral.rims.values()].map((document) => toHex(sha256(document)))
    const tolerant = (graceDays: number, listed = digests): Promise<GpuReport> => {
      const expiredRims = { graceDays, digests: listed }
      return judgeRecorded(hopper, { at, collateral, policy: { ...anyCount, expiredRims } })
    }
    // The VBIOS RIM ended 2026-02-22, the driver's 2026-06-01.
    expect(statusOf(await tolerant(300))['gpu-rim-expiry']).toBe('passed')
    expect(statusOf(await tolerant(200))['gpu-rim-expiry']).toBe('RIM_EXPIRED')
    expect(statusOf(await tolerant(300, digests.slice(1)))['gpu-rim-expiry']).toBe('RIM_EXPIRED')
  })

  test('a switch: 31 match', async () => {
    const report = await judgeRecorded(devicesOf('nvat-switch_evidence_ls10'), {
      at: new Date('2026-11-22T00:00:00Z'),
      collateral: { rims: rimsOf({ [SWITCH]: `${SWITCH}.xml` }) },
    })
    expect(evidenceOf(report, 'gpu-measurements')).toEqual({
      devices: [{ matched: 31, skipped: [] }],
    })
    expect(statusOf(report)['gpu-rim-expiry']).toBe('passed')
    // A switch alone is no machine.
    expect(statusOf(report)['gpu-set']).toBe('GPU_COUNT_MISMATCH')
  })

  test('the RIM of another driver under the id that is asked for', async () => {
    const rims = { ...case1Rims, [DRIVER]: 'NV_GPU_DRIVER_GH100_550.144.03.xml' }
    const at = new Date('2025-06-01T00:00:00Z')
    const report = await judgeRecorded(hopper, { at, collateral: { rims: rimsOf(rims) } })
    expect(statusOf(report)['gpu-reference-values']).toBe('RIM_MISMATCH')
    expect(statusOf(report)['gpu-measurements']).toBe('skipped')
  })

  test('OCSP: every certificate of the device, inside and outside of its day', async () => {
    const answers = ['l2', 'l3', 'l4'].map((level) =>
      vectorBytes('nvidia', 'ocsp', `google-test_gpu_certificate_${level}.der`),
    )
    const judge = (at: string, ocsp: readonly Uint8Array[] = answers): Promise<GpuReport> =>
      judgeRecorded(hopper, {
        at: new Date(at),
        collateral: { rims: rimsOf(case1Rims), ocsp },
        policy: { ...anyCount, ocsp: 'required' },
      })
    const inTime = statusOf(await judge('2025-08-21T12:00:00Z'))
    expect(inTime['gpu-revocation']).toBe('passed')
    // No answers about the signers of RIMs at that time.
    expect(inTime['gpu-rim-revocation']).toBe('OCSP_MISSING')
    expect(statusOf(await judge('2025-08-23T00:00:00Z'))['gpu-revocation']).toBe('OCSP_STALE')
    expect(statusOf(await judge('2025-08-21T00:00:00Z'))['gpu-revocation']).toBe('OCSP_STALE')
    const two = answers.slice(0, 2)
    expect(statusOf(await judge('2025-08-21T12:00:00Z', two))['gpu-revocation']).toBe(
      'OCSP_MISSING',
    )
  })

  test('OCSP of the driver RIM', async () => {
    const answers = ['driver_rim_l4', 'driver_rim_l3', 'rim_l2'].map((level) =>
      vectorBytes('nvidia', 'ocsp', `google-test_gpu_${level}.der`),
    )
    const report = await judgeRecorded(hopper, {
      at: new Date('2025-10-24T18:00:00Z'),
      collateral: { rims: rimsOf(case1Rims), ocsp: answers },
    })
    expect(evidenceOf(report, 'gpu-rim-revocation')).toMatchObject({ answers: 5 })
  })

  const parsed = haveGpuVectors ? expectations<Readonly<Record<string, string>>>('ocsp') : []
  test.each(parsed)('%s is read', (file, wanted) => {
    const response = parseOcspResponse(vectorBytes('nvidia', 'ocsp', file))
    expect(response).toMatchObject({
      status: wanted['status'],
      certId: { serial: (wanted['serial'] ?? '').replace(/^00/, ''), hash: wanted['certIdHash'] },
      thisUpdate: Date.parse(wanted['thisUpdate'] ?? ''),
      nextUpdate: Date.parse(wanted['nextUpdate'] ?? ''),
      responder: { commonName: wanted['responder'] },
      nonce: undefined,
    })
  })
})

describe.runIf(haveGpuVectors)('measurements against one RIM alone', () => {
  const old = 'NV_GPU_VBIOS_1010_0200_882_96005E0001'
  const indexesOf = async (
    file: string,
    rimFile: string,
  ): Promise<{ matched: number; mismatched: readonly number[]; skipped: readonly number[] }> => {
    const keys = new P384Verifier()
    const store = new CertificateStore(keys, P384_PROFILE)
    const document = vectorBytes('nvidia', 'rims', rimFile)
    const { content } = await verifyRim(document, nvidiaTrustAnchor().rimRoot, store, keys)
    const { measurements, opaque } = parseSpdmReport(
      devicesOf(file)[0]?.report ?? new Uint8Array(0),
    )
    const facts = readDeviceFacts(opaque, 'gpu')
    const match = matchMeasurements(measurements, facts, [{ id: rimFile, content }])
    const { matched, mismatched, skipped } = match
    return { matched: matched.length, mismatched: mismatched.map(({ index }) => index), skipped }
  }

  // Index 9 of a VBIOS RIM follows the driver generation, and is signed anew under the same id.
  test.each([
    ['nvat-hopper-535.86.09', `${old}.swidtag`, 12, []],
    ['nvat-hopper-535.86.09', `negative/${old}_measurement_mismatch.xml`, 11, [9]],
    ['nvat-hopper-unit', 'NV_GPU_VBIOS_1010_0205_862_9600740020.swidtag', 11, [9]],
    ['nvat-hopper-expired', 'NV_GPU_VBIOS_1010_0205_862_96005E0004.swidtag', 11, [9]],
  ])('%s with %s: %d match', async (file, rim, matched, mismatched) => {
    expect(await indexesOf(file, rim)).toEqual({ matched, mismatched, skipped: [] })
  })

  test('the RIM of another driver: 15 match, and the others are named', async () => {
    const found = await indexesOf('trustee-hopper-case1', 'NV_GPU_DRIVER_GH100_550.144.03.xml')
    expect(found).toEqual({ matched: 15, mismatched: [7, 22, 31, 39, 40], skipped: [35] })
  })

  test('what is not equal is named with its RIM, and an outdated VBIOS RIM suspected', () => {
    const at9 = { matched: [0], skipped: [], mismatched: [{ index: 9, rim: 'NV_GPU_VBIOS_A' }] }
    expect(() => requireMatch(at9)).toThrow(/9 of NV_GPU_VBIOS_A; the VBIOS RIM may be outdated/)
    expect(() => requireMatch({ matched: [], skipped: [35], mismatched: [] })).toThrow()
  })
})

describe.runIf(haveGpuVectors)('recorded sets', () => {
  const gpus = haveGpuVectors ? devicesOf('google-ppcie-8gpu-hopper') : []
  const switches = haveGpuVectors ? devicesOf('google-ppcie-4switch-ls10') : []

  test('eight GPUs and four switches of one chassis', async () => {
    const status = statusOf(await judgeRecorded([...gpus, ...switches]))
    expect(status).toMatchObject({
      'gpu-nonce': 'passed',
      'gpu-report-signature': 'passed',
      'gpu-set': 'passed',
      'gpu-topology': 'passed',
    })
  })

  test.each([
    [
      'one switch four times',
      () => [...gpus, ...devicesOf('nvat-multi_switch_ls10')],
      'gpu-set',
      'GPU_DUPLICATE',
    ],
    [
      'switches of another chassis',
      () => [...devicesOf('nvat-multi_gpu_hopper'), ...switches],
      'gpu-topology',
      'GPU_COUNT_MISMATCH',
    ],
    [
      'GPUs of two chassis',
      () => [...gpus.slice(0, 4), ...devicesOf('nvat-multi_gpu_hopper'), ...switches],
      'gpu-topology',
      'GPU_TOPOLOGY_INVALID',
    ],
    ['seven GPUs', () => [...gpus.slice(1), ...switches], 'gpu-topology', 'GPU_COUNT_MISMATCH'],
    ['three switches', () => [...gpus, ...switches.slice(1)], 'gpu-topology', 'NVSWITCH_MISSING'],
    ['no switches', () => gpus, 'gpu-topology', 'NVSWITCH_MISSING'],
  ] as const)('%s', async (_, devices, check, code) => {
    expect(statusOf(await judgeRecorded(devices()))[check]).toBe(code)
  })

  test('one device under two leaf certificates is one device', async () => {
    const both = [...devicesOf('nvat-hopper-expired'), ...devicesOf('nvat-hopper-unit')]
    expect(statusOf(await judgeRecorded(both))['gpu-set']).toBe('GPU_DUPLICATE')
  })

  test('eight Blackwells: one set in MPT mode, reference values missing', async () => {
    const status = statusOf(await judgeRecorded(devicesOf('google-mpt-8gpu-blackwell')))
    expect(status).toMatchObject({
      'gpu-firmware-id': 'passed',
      'gpu-set': 'passed',
      'gpu-topology': 'passed',
      'gpu-reference-values': 'RIM_MISSING',
    })
  })
})
