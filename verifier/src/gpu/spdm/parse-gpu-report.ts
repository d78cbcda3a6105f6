import type { DeviceKind } from '../device/chip-family.ts'
import { readDeviceFacts, type GpuMode } from './device-facts.ts'
import { parseSpdmReport } from './spdm-report.ts'

/** What a node needs to know of a report before it hands it on. Nobody has verified it. */
export interface GpuReportFacts {
  readonly nonce: Uint8Array
  readonly mode: GpuMode
  /** Everything that is signed. */
  readonly signed: Uint8Array
  /** r ‖ s. */
  readonly signature: Uint8Array
}

/** Reads a report of a device of that kind. @throws VerifierError `GPU_REPORT_INVALID` */
export function parseGpuReport(report: Uint8Array, kind: DeviceKind): GpuReportFacts {
  const { nonce, opaque, signed, signature } = parseSpdmReport(report)
  return { nonce, mode: readDeviceFacts(opaque, kind).mode, signed, signature }
}
