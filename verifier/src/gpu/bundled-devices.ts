import { VerifierError } from '../errors.ts'
import { decodeEvidence } from '../protocol/evidence-bundle.ts'
import { decodeGpuEvidence, type GpuDeviceEvidence } from '../protocol/gpu-evidence.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import { CheckFailure } from '../report/check-failure.ts'
import { parseCertificate, type Certificate } from '../x509/certificate.ts'
import { DerError } from '../x509/der.ts'
import { P384_PROFILE } from '../x509/ecdsa-profile.ts'
import { PemError, pemBlockDer, pemBlocks } from '../x509/pem.ts'

const MAX_CHAIN_CHARACTERS: number = 16 * 1024

/**
 * The devices of a bundle before anybody has verified them, to know what to fetch for them: what is asked for nothing
 * costs a request, and what cannot be read is for the checks to refuse.
 * @throws ProtocolError on a bundle that cannot be read
 */
export function bundledDevices(evidence: Uint8Array): readonly GpuDeviceEvidence[] {
  const { gpuEvidence } = decodeEvidence(evidence)
  if (gpuEvidence === undefined) return []
  return orNothing(() => decodeGpuEvidence(gpuEvidence).devices)
}

/** Certificates of a device, leaf first; nothing where one cannot be read. */
export function bundledCertificates({ certificates }: GpuDeviceEvidence): readonly Certificate[] {
  return orNothing(() =>
    pemBlocks(certificates.replace(/\0$/, ''), [4, 5], MAX_CHAIN_CHARACTERS).map((block) =>
      parseCertificate(pemBlockDer(block), 'device', P384_PROFILE),
    ),
  )
}

/** What can be read; what is refused is nothing. */
export function orNothing<Value>(read: () => readonly Value[]): readonly Value[] {
  try {
    return read()
  } catch (error) {
    if (
      error instanceof ProtocolError ||
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
