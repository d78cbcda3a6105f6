import type { SimulatedPlatform, SimulatedTd } from '@jeju/simulator'
import { simulatedTrustAnchor, type AppraisalPolicy, type TrustAnchor } from '@jeju/verifier'

/** Checks that this version of the verifier does not make; the devnet accepts that by name. */
const NOT_YET_MADE = [
  'pck-revocation',
  'tcb-info',
  'qe-identity',
  'tcb-status',
  'key-custody',
] as const

/** What the devnet publishes: the measurements of an untouched node. */
export function publishedPolicy(reference: SimulatedTd): AppraisalPolicy {
  const { mrtd, rtmr0, rtmr1, rtmr2 } = reference.measurements
  return {
    v: 1,
    acceptSkipped: [...NOT_YET_MADE],
    composeHashes: [reference.composeHash],
    gpu: 'not-required',
    osImages: [{ mrtd, rtmr0, rtmr1, rtmr2 }],
    tiers: ['simulated'],
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
