import type { GpuDeviceEvidence } from '../../protocol/gpu-evidence.ts'
import { bundledCertificates, bundledDevices, orNothing } from '../bundled-devices.ts'
import { familyOf } from '../device/chip-family.ts'
import { readDeviceFacts } from '../spdm/device-facts.ts'
import { parseSpdmReport } from '../spdm/spdm-report.ts'
import { wantedRims } from './rim-id.ts'

/**
 * Ids of the RIMs that a bundle's devices ask for, each once.
 * @throws ProtocolError on a bundle that cannot be read
 */
export function rimIdsOf(evidence: Uint8Array): readonly string[] {
  return [...new Set(bundledDevices(evidence).flatMap(idsOf))]
}

function idsOf(device: GpuDeviceEvidence): readonly string[] {
  const [, brom] = bundledCertificates(device)
  if (brom === undefined) return []
  return orNothing(() => {
    const family = familyOf(brom.commonName, 'BROM')
    if (family === undefined) return []
    const facts = readDeviceFacts(parseSpdmReport(device.report).opaque, family.kind)
    return wantedRims(facts, family).map(({ id }) => id)
  })
}
