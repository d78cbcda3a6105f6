import { VerifierError } from '../../errors.ts'
import { decodeEvidence } from '../../protocol/evidence-bundle.ts'
import { decodeGpuEvidence, type GpuDeviceEvidence } from '../../protocol/gpu-evidence.ts'
import { ProtocolError } from '../../protocol/protocol-error.ts'
import { CheckFailure } from '../../report/check-failure.ts'
import { parseCertificate } from '../../x509/certificate.ts'
import { DerError } from '../../x509/der.ts'
import { P384_PROFILE } from '../../x509/ecdsa-profile.ts'
import { PemError, pemBlockDer, pemBlocks } from '../../x509/pem.ts'
import { familyOf } from '../device/chip-family.ts'
import { readDeviceFacts } from '../spdm/device-facts.ts'
import { parseSpdmReport } from '../spdm/spdm-report.ts'
import { wantedRims } from './rim-id.ts'

const MAX_CHAIN_CHARACTERS: number = 16 * 1024

/**
 * Ids of the RIMs that a bundle's devices ask for, each once. Nobody has verified the devices yet: an id that is
 * fetched for nothing costs a request, and what no id can be read of is for the checks to refuse.
 * @throws ProtocolError on a bundle that cannot be read
 */
export function rimIdsOf(evidence: Uint8Array): readonly string[] {
  const { gpuEvidence } = decodeEvidence(evidence)
  if (gpuEvidence === undefined) return []
  const ids = devicesOf(gpuEvidence).flatMap(idsOf)
  return [...new Set(ids)]
}

function devicesOf(gpuEvidence: Uint8Array): readonly GpuDeviceEvidence[] {
  try {
    return decodeGpuEvidence(gpuEvidence).devices
  } catch (error) {
    if (error instanceof ProtocolError) return []
    throw error
  }
}

function idsOf({ report, certificates }: GpuDeviceEvidence): readonly string[] {
  try {
    const [, brom = ''] = pemBlocks(certificates.replace(/\0$/, ''), [4, 5], MAX_CHAIN_CHARACTERS)
    const { commonName } = parseCertificate(pemBlockDer(brom), 'BROM', P384_PROFILE)
    const family = familyOf(commonName, 'BROM')
    if (family === undefined) return []
    const facts = readDeviceFacts(parseSpdmReport(report).opaque, family.kind)
    return wantedRims(facts, family).map(({ id }) => id)
  } catch (error) {
    if (
      error instanceof VerifierError ||
      error instanceof CheckFailure ||
      error instanceof DerError ||
      error instanceof PemError
    ) {
      return []
    }
    throw error
  }
}
