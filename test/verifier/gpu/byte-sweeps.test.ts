import { describe, expect, test } from 'vitest'
import type { GpuContext, GpuDeviceEvidence, GpuEvidence, GpuReport } from '@jeju/verifier/gpu'
import { decodeGpuEvidence, encodeGpuEvidence, ProtocolError } from '@jeju/verifier/protocol'
import { haveGpuVectors } from '../vectors.ts'
import { takesAnyGpu as policy } from '../../gpu-policy.ts'
import { AT, contextOf, failures, nonce, verifierOf } from './fixture.ts'
import { hopper } from './lies.ts'
import { devicesOf, recordedVerifier, rimsOf } from './recorded.ts'

/** Every byte in its turn: what is refused is refused with a code, and nothing changed passes. */

/** Refused, with codes; `failures` has looked at the shape of the report. */
function expectRefused(report: GpuReport, what: string): void {
  const found = failures(report)
  expect(found.length, what).toBeGreaterThan(0)
  for (const failure of found) {
    const [, code = ''] = failure.split(' ')
    expect(code, `${what}: ${failure}`).toMatch(/^[A-Z]+(_[A-Z]+)+$/)
  }
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const changed = bytes.slice()
  changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8))
  return changed
}

describe.runIf(haveGpuVectors)('a recorded device with its RIMs', () => {
  const [device] = haveGpuVectors ? devicesOf('trustee-hopper-case1') : []
  const rims = haveGpuVectors
    ? rimsOf({
        'NV_GPU_DRIVER_GH100_550.90.07': 'NV_GPU_DRIVER_GH100_550.90.07.xml',
        NV_GPU_VBIOS_1010_0200_882_96009F0001: 'NV_GPU_VBIOS_1010_0200_882_96009F0001.xml',
      })
    : new Map<string, Uint8Array>()
  const honest = device?.report.slice(4, 36) ?? new Uint8Array(0)
  const judged = (change: Partial<GpuDeviceEvidence>): Promise<GpuReport> => {
    if (device === undefined) throw new Error('no device')
    const at = new Date('2025-06-01T00:00:00Z')
    return recordedVerifier.verify(
      { devices: [{ ...device, ...change }] },
      contextOf({ at, nonce: honest, isRecorded: true, collateral: { rims } }),
    )
  }
  const report = device?.report ?? new Uint8Array(0)
  const pem = device?.certificates ?? ''

  test('unchanged, it passes', async () => {
    expect(failures(await judged({}))).toEqual([])
  })

  test('a bit of every byte of the report', async () => {
    for (let at = 0; at < report.length; at++) {
      expectRefused(await judged({ report: flipped(report, at) }), `byte ${at}`)
    }
  })

  test('every prefix of the report', async () => {
    for (let length = 0; length < report.length; length++) {
      expectRefused(await judged({ report: report.slice(0, length) }), `${length} bytes`)
    }
  })

  test('every prefix of the chain but that of four certificates', async () => {
    const ends = [...pem.matchAll(/-----END CERTIFICATE-----/g)].map(
      ({ index, 0: end }) => index + end.length,
    )
    // Line breaks may be missing behind the last certificate, and the root may be.
    const holds = (length: number): boolean =>
      length >= (ends[4] ?? 0) ||
      (length >= (ends[3] ?? 0) && /^[\r\n]*$/.test(pem.slice(ends[3], length)))
    for (let length = 0; length < pem.length; length += 1) {
      const result = await judged({ certificates: pem.slice(0, length) })
      if (holds(length)) expect(failures(result), `${length} characters`).toEqual([])
      else expectRefused(result, `${length} characters`)
    }
  })

  test('a bit of every other character of the chain', async () => {
    const root = pem.lastIndexOf('-----BEGIN')
    for (let at = 0; at < root; at += 2) {
      const code = pem.charCodeAt(at) ^ (1 << (at % 7))
      const certificates = pem.slice(0, at) + String.fromCharCode(code) + pem.slice(at + 1)
      const isBreak = /[\r\n]/.test(pem[at] ?? '') && /[\r\n]/.test(String.fromCharCode(code))
      if (!isBreak) expectRefused(await judged({ certificates }), `character ${at}`)
    }
  })
})

describe('simulated evidence', () => {
  const verifier = verifierOf(hopper)
  const evidence = hopper.evidence(nonce)
  const judged = (changes: Partial<GpuContext>, nras?: readonly string[]): Promise<GpuReport> =>
    verifier.verify(nras ? { ...evidence, nras } : evidence, contextOf(changes))

  test('a bit of every byte of an OCSP answer, and every prefix', async () => {
    const answers = hopper.ocsp(AT)
    const required = { ...policy, ocsp: 'required' } as const
    const with_ = (first: Uint8Array): Partial<GpuContext> => ({
      policy: required,
      collateral: { ocsp: [first, ...answers.slice(1)] },
    })
    const [own = new Uint8Array(0)] = answers
    expect(failures(await judged(with_(own)))).toEqual([])
    for (let at = 0; at < own.length; at++) {
      expectRefused(await judged(with_(flipped(own, at))), `byte ${at}`)
      expectRefused(await judged(with_(own.slice(0, at))), `${at} bytes`)
    }
  })

  test('every third character of an answer of the service', async () => {
    const byNras = { policy: { ...policy, appraisal: 'nras' } as const }
    const [answer = ''] = hopper.nrasAnswers(nonce, AT)
    expect(failures(await judged(byNras, [answer]))).toEqual([])
    for (let at = 0; at < answer.length; at += 3) {
      const other = answer[at] === 'A' ? 'B' : 'A'
      const changed = answer.slice(0, at) + other + answer.slice(at + 1)
      expectRefused(await judged(byNras, [changed]), `character ${at}`)
      expectRefused(await judged(byNras, [answer.slice(0, at)]), `${at} characters`)
    }
  })

  test('a bit of every third byte of the container: another container, or refused', async () => {
    const encoded = encodeGpuEvidence({ devices: evidence.devices })
    const collateral = { rims: hopper.rims() }
    for (let at = 0; at < encoded.length; at += 3) {
      const changed = flipped(encoded, at)
      const read = decoded(changed)
      if (read === undefined) continue
      const report = await verifier.verify(read, contextOf({ collateral }))
      // The root beside the chain only has to have the pinned key.
      if (report.claims === undefined) expectRefused(report, `byte ${at}`)
      else expect(isSameBelowRoot(read.devices[0]), `byte ${at}`).toBe(true)
    }
  })

  function decoded(bytes: Uint8Array): GpuEvidence | undefined {
    try {
      return decodeGpuEvidence(bytes)
    } catch (error) {
      if (error instanceof ProtocolError) return undefined
      throw error
    }
  }

  function isSameBelowRoot(device: GpuDeviceEvidence | undefined): boolean {
    const [honest] = evidence.devices
    const blocks = (pem = ''): readonly string[] => pem.replaceAll('\r', '\n').split('-----END')
    return (
      blocks(device?.certificates).slice(0, 4).join() ===
      blocks(honest?.certificates).slice(0, 4).join()
    )
  }
})
