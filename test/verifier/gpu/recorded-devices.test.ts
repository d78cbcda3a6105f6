import { describe, expect, test } from 'vitest'
import { parseSpdmReport } from '@jeju/verifier/gpu'
import { fromBareHex, toBareHex } from '@jeju/verifier/protocol'
import { readDeviceFacts } from '../../../verifier/src/gpu/spdm/device-facts.ts'
import { haveGpuVectors, vectorText } from '../vectors.ts'
import {
  devicesOf,
  expectations,
  judgeRecorded,
  statusOf,
  type ExpectedDevice,
} from './recorded.ts'

const files = haveGpuVectors ? expectations<readonly ExpectedDevice[]>('evidence') : []

describe.runIf(haveGpuVectors)('recorded devices', () => {
  test.each(files)('%s: the parser reads what is expected', (file, expected) => {
    const devices = devicesOf(file.replace('.json', ''))
    expect(devices).toHaveLength(expected.length)
    for (const [index, wanted] of expected.entries()) {
      const { report, kind } = devices[index] ?? { report: new Uint8Array(0), kind: 'gpu' }
      const parsed = parseSpdmReport(report)
      const facts = readDeviceFacts(parsed.opaque, kind)
      expect(report).toHaveLength(wanted.reportLength)
      expect(parsed.signed).toHaveLength(wanted.signatureOffset)
      expect(parsed.paddingBytes).toBe(wanted.trailingZeroBytes)
      expect(parsed.opaque.format).toBe(wanted.opaqueFormat === 'legacy' ? 'tlv' : 'nvdaod')
      expect([...parsed.opaque.entries.keys()]).toEqual(wanted.opaqueTypes)
      expect(toBareHex(parsed.nonce)).toBe(wanted.nonce)
      expect(facts.driverVersion ?? null).toBe(wanted.driverVersion)
      expect(facts.vbiosVersion).toBe(wanted.vbiosVersion)
      if (wanted.mode !== null) expect(facts.mode).toBe(wanted.mode)
      expect(facts.fwid === undefined).toBe(wanted.fwid === 'absent in report')
    }
  })

  test.each(files)('%s: chain, signature and firmware id', async (file, expected) => {
    for (const [index, wanted] of expected.entries()) {
      const device = devicesOf(file.replace('.json', ''))[index]
      if (device === undefined) throw new Error(`no device ${index}`)
      const report = await judgeRecorded([device])
      const status = statusOf(report)
      if (wanted.chain === 'fail' || file.includes('case2')) {
        // Fewer certificates than a chain has, or one left out: nothing below is looked at.
        expect(status['gpu-certificate-chain']).toMatch(/^GPU_C/)
        expect(status['gpu-report-signature']).toBe('skipped')
        continue
      }
      expect(status['gpu-certificate-chain']).toBe('passed')
      if (wanted.signature === 'fail') {
        expect(status['gpu-report-signature']).toBe('GPU_REPORT_SIGNATURE_INVALID')
        expect(status['gpu-measurements']).toBe('skipped')
        continue
      }
      expect(status['gpu-report-signature']).toBe('passed')
      expect(status['gpu-identity']).toBe('passed')
      const isOld = wanted.fwid === 'absent in report' && device.kind === 'gpu'
      expect(status['gpu-firmware-id']).toBe(isOld ? 'GPU_FWID_MISSING' : 'passed')
      expect(status['gpu-reference-values']).toBe('RIM_MISSING')
      expect(report.claims).toBeUndefined()
    }
  })

  test('the NVDAOD transcript is read to its last byte', () => {
    const hex = vectorText('nvidia', 'misc', 'nvat-nvdaod-transcript.hex').trim()
    const { opaque, paddingBytes } = parseSpdmReport(fromBareHex(hex))
    expect({ format: opaque.format, paddingBytes }).toEqual({ format: 'nvdaod', paddingBytes: 0 })
    expect(readDeviceFacts(opaque, 'gpu')).toMatchObject({
      driverVersion: '620.12',
      vbiosVersion: '96.00.D9.00.0F',
      board: { project: 'G520', projectSku: '0201', chipSku: '884' },
      mode: 'SPT',
      nvdec0: true,
    })
  })

  test('one flipped bit anywhere in a report is refused', async () => {
    const [device] = devicesOf('trustee-hopper-case1')
    if (device === undefined) throw new Error('no device')
    const nonce = parseSpdmReport(device.report).nonce
    for (const at of [4, 55, 3600, 4000, device.report.length - 1]) {
      const report = device.report.slice()
      report[at] = (report[at] ?? 0) ^ 1
      const judged = await judgeRecorded([{ ...device, report }], { nonce })
      expect(judged.claims, String(at)).toBeUndefined()
      expect(statusOf(judged)['gpu-measurements'], String(at)).toBe('skipped')
    }
  })
})
