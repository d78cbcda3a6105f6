import type { GpuPolicy } from '@jeju/verifier/gpu'

/** Takes every GPU that NVIDIA vouches for, by reference values alone. */
export const takesAnyGpu: GpuPolicy = {
  presence: 'required',
  architectures: ['HOPPER', 'BLACKWELL'],
  modes: ['SPT', 'MPT', 'PPCIE'],
  count: { min: 1, max: 8 },
  minDriver: 'any',
  rimIds: 'any',
  expiredRims: { graceDays: 0, digests: [] },
  ocsp: 'if-present',
  appraisal: 'local',
}
