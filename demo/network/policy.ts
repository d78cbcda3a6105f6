import type { SimulatedPlatform, SimulatedTd } from '@jeju/simulator'
import {
  DEFAULT_TCB_POLICY,
  simulatedTrustAnchor,
  type AppraisalPolicy,
  type TrustAnchor,
  type TrustedKms,
} from '@jeju/verifier'
import { toHex } from '@jeju/verifier/protocol'

/** What the devnet publishes: the measurements of an untouched node. */
export function publishedPolicy(reference: SimulatedTd): AppraisalPolicy {
  const { mrtd, rtmr0, rtmr1, rtmr2 } = reference.measurements
  return {
    v: 1,
    acpi: { reviewed: [], unreviewed: 'refused' },
    composeHashes: [reference.composeHash],
    composeTemplates: [],
    gpu: 'forbidden',
    keyCustody: { trustedKms: [trustedKms(reference.platform)], keyApis: ['v0'] },
    osImageHashes: [],
    osImages: [{ mrtd, rtmr0, rtmr1, rtmr2 }],
    tcb: DEFAULT_TCB_POLICY,
    tiers: ['simulated'],
  }
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
