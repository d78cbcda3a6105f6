import { GpuError } from '../gpu-error.ts'

/** Structs of nvml.h (NVML 13, nvmlConfCompute*): unsigned little-endian words of four bytes, no padding anywhere. */

const MAX_REPORT = 8192
const MAX_CHAIN = 5120
const NONCE_BYTES = 32

/** nvmlConfComputeGpuAttestationReport_t: flag, two sizes, nonce, report, CEC report. */
const REPORT = { size: 12_332, reportSize: 4, nonce: 12, report: 44 } as const
/** nvmlConfComputeGpuCertificate_t: two sizes, a chain that is not this one, the attestation chain. */
const CERTIFICATE = { size: 9224, chainSize: 4, chain: 4104 } as const
/** nvmlSystemConfComputeSettings_t, version 1: the version holds the size. */
const SETTINGS = { size: 20, version: 0x0100_0014 } as const
/** nvmlConfComputeSystemState_t: the older form of the same, without the mode of several GPUs. */
const STATE = { size: 12 } as const

/** How the machine's confidential computing is set. */
export interface ConfidentialSettings {
  readonly environment: 'unavailable' | 'simulation' | 'production'
  readonly confidential: boolean
  readonly developerTools: boolean
  readonly severalGpus: 'none' | 'protected-pcie' | 'nvlink-encryption' | 'unknown'
}

/** A buffer that asks for a report over this nonce. */
export function reportBuffer(nonce: Uint8Array): Buffer {
  if (nonce.length !== NONCE_BYTES) throw new GpuError('GPU_ANSWER', 'nonce: expected 32 bytes')
  const buffer = Buffer.alloc(REPORT.size)
  buffer.set(nonce, REPORT.nonce)
  return buffer
}

/** The report that NVML wrote. Its size is checked before anything is read. @throws GpuError `GPU_ANSWER` */
export function readReport(buffer: Buffer, place: string): Uint8Array<ArrayBuffer> {
  const size = sizeWithin(buffer.readUInt32LE(REPORT.reportSize), MAX_REPORT, `${place}.report`)
  return new Uint8Array(buffer.subarray(REPORT.report, REPORT.report + size))
}

/** A buffer for a certificate chain. */
export function certificateBuffer(): Buffer {
  return Buffer.alloc(CERTIFICATE.size)
}

/** The PEM text that NVML wrote, without the NULs that end C's text. @throws GpuError `GPU_ANSWER` */
export function readCertificates(buffer: Buffer, place: string): string {
  const stated = buffer.readUInt32LE(CERTIFICATE.chainSize)
  const size = sizeWithin(stated, MAX_CHAIN, `${place}.certificates`)
  const text = buffer.toString('latin1', CERTIFICATE.chain, CERTIFICATE.chain + size)
  return text.replace(/\0+$/, '')
}

/** A buffer for the settings; NVML reads the version in it. */
export function settingsBuffer(): Buffer {
  const buffer = Buffer.alloc(SETTINGS.size)
  buffer.writeUInt32LE(SETTINGS.version, 0)
  return buffer
}

/** What NVML wrote into it. */
export function readSettings(buffer: Buffer): ConfidentialSettings {
  const several = (['none', 'protected-pcie', 'nvlink-encryption'] as const)[
    buffer.readUInt32LE(16)
  ]
  return { ...readFlags(buffer, 4), severalGpus: several ?? 'unknown' }
}

/** A buffer for the state of older drivers. */
export function stateBuffer(): Buffer {
  return Buffer.alloc(STATE.size)
}

/** What NVML wrote into it. */
export function readState(buffer: Buffer): ConfidentialSettings {
  return { ...readFlags(buffer, 0), severalGpus: 'none' }
}

function readFlags(buffer: Buffer, at: number): Omit<ConfidentialSettings, 'severalGpus'> {
  const environments = ['unavailable', 'simulation', 'production'] as const
  return {
    environment: environments[buffer.readUInt32LE(at)] ?? 'unavailable',
    confidential: buffer.readUInt32LE(at + 4) === 1,
    // Whatever is not plainly off counts as on.
    developerTools: buffer.readUInt32LE(at + 8) !== 0,
  }
}

function sizeWithin(size: number, max: number, place: string): number {
  if (size > 0 && size <= max) return size
  throw new GpuError('GPU_ANSWER', `${place}: expected 1 to ${max} bytes, got ${size}`)
}
