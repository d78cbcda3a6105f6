import type { SimulatedPlatform, SimulatedTd } from '@jeju/simulator'
import type { SimulatedGpus } from '@jeju/simulator/gpu'
import {
  DEFAULT_TCB_POLICY,
  simulatedTrustAnchor,
  type AppraisalPolicy,
  type TrustAnchor,
  type TrustedKms,
} from '@jeju/verifier'
import { simulatedGpuTrustAnchor, type GpuPolicy, type GpuTrustAnchor } from '@jeju/verifier/gpu'
import { toHex } from '@jeju/verifier/protocol'

/** What the devnet publishes: the measurements of untouched nodes, without a GPU and with one. */
export function publishedPolicy(reference: SimulatedTd, withGpu: SimulatedTd): AppraisalPolicy {
  const references = [reference, withGpu]
  return {
    v: 1,
    acpi: { reviewed: [], unreviewed: 'refused' },
    composeHashes: references.map(({ composeHash }) => composeHash),
    composeTemplates: [],
    gpu: GPU_POLICY,
    keyCustody: { trustedKms: [trustedKms(reference.platform)], keyApis: ['v0'] },
    osImageHashes: [],
    osImages: references.map(({ measurements: { mrtd, rtmr0, rtmr1, rtmr2 } }) => ({
      mrtd,
      rtmr0,
      rtmr1,
      rtmr2,
    })),
    tcb: DEFAULT_TCB_POLICY,
    tiers: ['simulated'],
  }
}

/** One Hopper that NVIDIA's reference values vouch for; a node without GPUs is one, too. */
const GPU_POLICY: GpuPolicy = {
  presence: 'optional',
  architectures: ['HOPPER'],
  modes: ['SPT'],
  count: { min: 1, max: 8 },
  minDriver: 'any',
  rimIds: 'any',
  expiredRims: { graceDays: 0, digests: [] },
  ocsp: 'required',
  appraisal: 'local',
}

/** Roots of simulated GPUs, as the gateway is told them. */
export function gpuTrustRootSetting({ roots }: SimulatedGpus): string {
  const [device, rim] = [roots.deviceRoot, roots.rimRoot].map((der) =>
    Buffer.from(der).toString('base64'),
  )
  return `simulated:${DEVNET_ROOT_NAME}:${device ?? ''}:${rim ?? ''}`
}

/** The root of devices alone, as a node is told it in its measured compose file. */
export function gpuRootSetting({ roots }: SimulatedGpus): string {
  return `simulated:${Buffer.from(roots.deviceRoot).toString('base64')}`
}

/** The same roots, handed in by name. */
export function devnetGpuTrustAnchor({ roots }: SimulatedGpus): GpuTrustAnchor {
  return simulatedGpuTrustAnchor(DEVNET_ROOT_NAME, roots)
}

/** The KMS of the simulated platform, as its contract would name it. */
function trustedKms({ kms }: SimulatedPlatform): TrustedKms {
  return {
    rootPublicKey: toHex(kms.rootPublicKey),
    caPublicKeyInfo: toHex(kms.caPublicKeyInfo),
  }
}

/** The devnet's trust anchor, handed in by name; verdicts under it say `simulated`. */
export function devnetTrustAnchor(platform: SimulatedPlatform): TrustAnchor {
  return simulatedTrustAnchor(DEVNET_ROOT_NAME, platform.rootCertificateDer)
}

const DEVNET_ROOT_NAME = 'devnet'

/** The gateway's TRUST_ROOT setting for the same anchor. */
export function trustRootSetting(platform: SimulatedPlatform): string {
  const der = Buffer.from(platform.rootCertificateDer).toString('base64')
  return `simulated:${DEVNET_ROOT_NAME}:${der}`
}
