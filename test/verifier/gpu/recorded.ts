import {
  GpuVerifier,
  nvidiaTrustAnchor,
  parseSpdmReport,
  type GpuContext,
  type GpuDeviceEvidence,
  type GpuReport,
} from '@jeju/verifier/gpu'
import { nodeP384 } from '@jeju/verifier/node'
import { vectorBytes, vectorJson } from '../vectors.ts'
import { takesAnyGpu as policy } from '../../gpu-policy.ts'
import { contextOf } from './fixture.ts'

/** Recorded evidence of real devices, judged under NVIDIA's own roots. */

/** What is expected of a recorded device. */
export interface ExpectedDevice {
  readonly arch: GpuDeviceEvidence['architecture']
  readonly reportLength: number
  readonly signatureOffset: number
  readonly trailingZeroBytes: number
  readonly opaqueFormat: string
  readonly opaqueTypes: readonly number[]
  readonly nonce: string
  readonly chain: 'ok' | 'fail'
  readonly signature: 'ok' | 'fail'
  readonly fwid: 'match' | 'mismatch' | 'absent in report'
  readonly fwidHex?: string
  readonly hwmodel: string
  readonly ueid: string
  readonly pdi: string
  readonly driverVersion: string | null
  readonly vbiosVersion: string
  readonly rimIds: readonly string[]
  readonly mode: string | null
}

interface RecordedDevice {
  readonly arch: GpuDeviceEvidence['architecture']
  readonly evidence: string
  readonly certificate: string
}

/** Devices of a file, in our form. */
export function devicesOf(file: string): readonly GpuDeviceEvidence[] {
  const listed = vectorJson('nvidia', 'evidence', `${file}.json`) as readonly RecordedDevice[]
  return listed.map(({ arch, evidence, certificate }) => ({
    kind: arch === 'LS10' ? 'switch' : 'gpu',
    architecture: arch,
    report: new Uint8Array(Buffer.from(evidence, 'base64')),
    certificates: Buffer.from(certificate, 'base64').toString('latin1'),
  }))
}

/** What is expected of every file of that kind. */
export function expectations<Expected>(
  kind: string,
): readonly (readonly [file: string, Expected])[] {
  const all = vectorJson('nvidia', 'expected.json') as Readonly<Record<string, Expected>>
  return Object.entries(all)
    .filter(([file]) => file.startsWith(`${kind}/`))
    .map(([file, expected]) => [file.slice(kind.length + 1), expected] as const)
}

/** RIMs out of files, by id: the name of a file, unless another id is given for it. */
export function rimsOf(files: Readonly<Record<string, string>>): ReadonlyMap<string, Uint8Array> {
  return new Map(
    Object.entries(files).map(([id, file]) => [id, vectorBytes('nvidia', 'rims', file)] as const),
  )
}

/** Under NVIDIA's own roots. */
export const recordedVerifier: GpuVerifier = new GpuVerifier(nvidiaTrustAnchor(), {
  signatures: nodeP384,
})

/** Judges recorded devices over the nonce of the first. */
export function judgeRecorded(
  devices: readonly GpuDeviceEvidence[],
  changes: Partial<GpuContext> = {},
): Promise<GpuReport> {
  const [first] = devices
  const nonce = parseSpdmReport(first?.report ?? new Uint8Array(0)).nonce
  return recordedVerifier.verify(
    { devices },
    contextOf({
      nonce,
      isRecorded: true,
      policy: { ...policy, count: { min: 1, max: 64 } },
      ...changes,
    }),
  )
}

/** How checks came out, by name. */
export function statusOf({ checks }: GpuReport): Readonly<Record<string, string>> {
  return Object.fromEntries(
    checks.map((check) => [
      check.name,
      check.status === 'failed' ? (check.code ?? 'failed') : check.status,
    ]),
  )
}
