/** Judges evidence of NVIDIA GPUs and switches (docs/protocol.md §4.1): imported on its own, since few need it. */
export {
  GpuVerifier,
  type GpuContext,
  type GpuVerifierOptions,
  type NrasWord,
} from './gpu-verifier.ts'
export { gpuTrust, type NrasSource, type OcspAnswerSource, type RimSource } from './gpu-trust.ts'
export { parseGpuPolicy, type GpuPolicy, type GpuRequirement } from './gpu-policy.ts'
export {
  GPU_CHECKS,
  type GpuCheckName,
  type GpuClaims,
  type GpuDevice,
  type GpuReport,
} from './gpu-report.ts'
export {
  nvidiaTrustAnchor,
  simulatedGpuTrustAnchor,
  type GpuTier,
  type GpuTrustAnchor,
} from './gpu-trust-anchor.ts'
export { deviceIdentityOf, gpuDevicesDigest } from './device/device-identity.ts'
export { nvidiaNras, simulatedNras, type NrasService } from './nras/nras-service.ts'
export { nrasAppraiser } from './nras/nras-appraiser.ts'
export { nrasSource, type NrasAnswerSource } from './nras/nras-source.ts'
export type { NrasAppraiser } from './nras/appraise-by-nras.ts'
export { parseOcspResponse, type OcspResponse } from './ocsp/ocsp-response.ts'
export { parseSpdmReport, type SpdmReport } from './spdm/spdm-report.ts'
export type { GpuDeviceEvidence, GpuEvidence } from '../protocol/gpu-evidence.ts'
export type { P384Backend } from '../x509/p384.ts'
