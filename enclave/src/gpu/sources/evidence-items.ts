import { fromBareHex, type GpuDeviceEvidence } from '@jeju/verifier/protocol'
import { z } from 'zod'
import { GpuError } from '../gpu-error.ts'

/** NVML's largest report and chain, in base64. */
const MAX_REPORT_CHARACTERS = 4 * Math.ceil(8192 / 3)
const MAX_CHAIN_CHARACTERS = 4 * Math.ceil(16_384 / 3)
const MAX_DEVICES = 64

const base64 = (max: number): z.ZodType<string> =>
  z
    .string()
    .min(4)
    .max(max)
    .regex(/^[A-Za-z0-9+/]+={0,2}$/)
const item = z.object({
  arch: z.enum(['HOPPER', 'BLACKWELL', 'LS10']),
  nonce: z.string().regex(/^[0-9a-fA-F]{64}$/),
  evidence: base64(MAX_REPORT_CHARACTERS),
  certificate: base64(MAX_CHAIN_CHARACTERS),
})
const list = z.array(item).min(1).max(MAX_DEVICES)

/**
 * Devices of an `evidences` list as nvattest writes it: base64 of report and PEM, and more members than are read here.
 * Its nonce is only what the tool says; the one in the report is compared later.
 * @throws GpuError `GPU_ANSWER`
 */
export function readEvidenceItems(value: unknown, place: string): readonly GpuDeviceEvidence[] {
  const parsed = list.safeParse(value)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const path = issue?.path.join('.') ?? ''
    throw new GpuError('GPU_ANSWER', `${place}.${path}: ${issue?.message ?? 'malformed'}`)
  }
  return parsed.data.map(({ arch, evidence, certificate }, index) => ({
    kind: arch === 'LS10' ? ('switch' as const) : ('gpu' as const),
    architecture: arch,
    report: bytesOf(evidence, `${place}.${index}.evidence`),
    certificates: new TextDecoder('latin1').decode(
      bytesOf(certificate, `${place}.${index}.certificate`),
    ),
  }))
}

/** JSON that must be there. @throws GpuError `GPU_ANSWER` */
export function parseJson(text: string, place: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new GpuError('GPU_ANSWER', `${place}: expected JSON`)
  }
}

/** Bare hex that must be there: Node's own decoder stops silently where it fails. @throws GpuError `GPU_ANSWER` */
export function bytesOfHex(hex: string, place: string): Uint8Array<ArrayBuffer> {
  if (!/^([0-9a-f]{2})+$/.test(hex)) throw new GpuError('GPU_ANSWER', `${place}: expected hex`)
  return fromBareHex(hex)
}

/** Canonical base64. */
function bytesOf(text: string, place: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') !== text) {
    throw new GpuError('GPU_ANSWER', `${place}: expected base64`)
  }
  return new Uint8Array(bytes)
}
