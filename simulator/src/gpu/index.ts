/** NVIDIA GPUs and switches of a machine that has none: devices, RIMs, OCSP answers and tokens under own roots. */
export { BLACKWELL, HOPPER, LS10, type Chip } from './chip.ts'
export { NRAS_LIES, serveNras, type NrasLie, type NrasService } from './nras-service.ts'
export type { Claims, NrasLies, NrasSigner } from './nras-signer.ts'
export { serveOcsp, type OcspService } from './ocsp-service.ts'
export type { OcspRequest } from './ocsp-writer.ts'
export { createP384Key, type P384Key } from './p384-key.ts'
export { serveRims, type RimAnswer, type RimService } from './rim-service.ts'
export { writeRim, type RimLies, type RimRequest } from './rim-writer.ts'
export type { SimulatedDevice } from './simulated-device.ts'
export {
  createSimulatedGpus,
  type GpuLies,
  type GpuMachine,
  type GpuOptions,
  type SimulatedGpus,
} from './simulated-gpus.ts'
export { writeSpdmReport, type OpaqueRecord, type SpdmContent } from './spdm-writer.ts'
