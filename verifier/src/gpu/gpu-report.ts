import type { Hex } from '../bytes/hex.ts'
import type { Check } from '../report/check.ts'
import type { Architecture, DeviceKind } from './device/chip-family.ts'
import type { GpuTier } from './gpu-trust-anchor.ts'
import type { GpuMode } from './spdm/device-facts.ts'

/** Checks that reference values decide: NVIDIA's RIMs, compared here, or its service, whose tokens say it compared. */
export const APPRAISAL_CHECKS = [
  'gpu-revocation',
  'gpu-reference-values',
  'gpu-rim-expiry',
  'gpu-rim-revocation',
  'gpu-measurements',
  'gpu-confidential-mode',
] as const

/** Every check of GPU evidence, in the order in which they are reported (docs/protocol.md §4.1). */
export const GPU_CHECKS: readonly GpuCheckName[] = [
  'gpu-report',
  'gpu-nonce',
  'gpu-certificate-chain',
  'gpu-report-signature',
  'gpu-identity',
  'gpu-firmware-id',
  ...APPRAISAL_CHECKS,
  'gpu-set',
  'gpu-topology',
  'gpu-devices',
  'gpu-allowed',
]

/** One of {@link APPRAISAL_CHECKS}. */
export type AppraisalCheckName = (typeof APPRAISAL_CHECKS)[number]
/** One of {@link GPU_CHECKS}. */
export type GpuCheckName =
  | AppraisalCheckName
  | 'gpu-report'
  | 'gpu-nonce'
  | 'gpu-certificate-chain'
  | 'gpu-report-signature'
  | 'gpu-identity'
  | 'gpu-firmware-id'
  | 'gpu-set'
  | 'gpu-topology'
  | 'gpu-devices'
  | 'gpu-allowed'

/** A device of which every check passed. */
export interface GpuDevice {
  readonly kind: DeviceKind
  readonly architecture: Architecture
  /** SHA-256 of the key of its BROM certificate: the device, whatever its driver. */
  readonly identity: Hex
  /** Common name of that certificate. */
  readonly hwmodel: string
  /** Decimal of the leaf's serial number, which changes with the driver; what NVIDIA's service calls it by. */
  readonly ueid: string
  readonly chipId: string
  /** Per-device identifier on the links between GPUs and switches, hex. */
  readonly pdi: string
  readonly driverVersion?: string
  readonly vbiosVersion: string
  readonly rimIds: readonly string[]
}

/** What verified evidence of GPUs says. */
export interface GpuClaims {
  readonly tier: GpuTier
  readonly mode: GpuMode
  readonly appraisal: readonly ('local' | 'nras')[]
  readonly devices: readonly GpuDevice[]
  /** What no check of this list can prove. */
  readonly notProven: readonly string[]
}

/** Every check, and what the evidence proves where all of them passed. */
export interface GpuReport {
  readonly checks: readonly Check<GpuCheckName>[]
  readonly claims: GpuClaims | undefined
}

/** Belongs to every verdict on GPUs (attack D1). */
export const NOT_PROVEN: readonly string[] = [
  'that the GPU is attached to this TD: until TDISP the measured software alone vouches that it asked the local device, so these claims are worth what the measurement of that software is worth',
  'that inference runs on this GPU, and which model',
  'that the GPU is still there after the moment of the report',
]
