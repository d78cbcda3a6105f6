import type { SimulatedPlatform, SimulatedTd } from '@jeju/simulator'
import {
  DEFAULT_TCB_POLICY,
  parseCollateral,
  type AppraisalPolicy,
  type CollateralSource,
  type TrustedKms,
} from '@jeju/verifier'
import { SIGNER_PURPOSE, signerPath, toHex, type KmsChain } from '@jeju/verifier/protocol'
import { deriveV0 } from '../simulator/src/td/key-derivation.ts'

/** What a relying party knows of a simulated machine, and what a node on it derives. */

/** A policy that lists exactly this TD. */
export function policyOf(td: SimulatedTd): AppraisalPolicy {
  const { mrtd, rtmr0, rtmr1, rtmr2 } = td.measurements
  return {
    v: 1,
    acpi: { reviewed: [], unreviewed: 'refused' },
    composeHashes: [td.composeHash],
    composeTemplates: [],
    gpu: 'forbidden',
    keyCustody: { trustedKms: [trustedKmsOf(td.platform)], keyApis: ['v0'] },
    osImageHashes: [],
    osImages: [{ mrtd, rtmr0, rtmr1, rtmr2 }],
    tcb: DEFAULT_TCB_POLICY,
    tiers: ['simulated'],
  }
}

/** A platform's KMS as a policy names it. */
function trustedKmsOf({ kms }: SimulatedPlatform): TrustedKms {
  return {
    rootPublicKey: toHex(kms.rootPublicKey),
    caPublicKeyInfo: toHex(kms.caPublicKeyInfo),
  }
}

/** Collateral of a platform as of a clock, without a network between. */
export function collateralOf(
  platform: SimulatedPlatform,
  now: () => Date = () => new Date(),
): CollateralSource {
  return { collateralFor: async () => parseCollateral(await platform.collateralJson(now())) }
}

/** The EVM signer's key, as a node derives it from its guest agent. */
export function signerKeyOf(td: SimulatedTd): Uint8Array {
  return derived(td).key
}

/** Custody of {@link signerKeyOf}, as the guest agent hands it out. */
export function kmsChainOf(td: SimulatedTd): KmsChain {
  const { publicKey, signatureChain } = derived(td)
  const [link, root] = signatureChain
  if (link === undefined || root === undefined) throw new Error('a chain has two links')
  return {
    algorithm: 'secp256k1',
    keyApi: 'v0',
    path: signerPath(td.instanceId),
    purpose: SIGNER_PURPOSE,
    publicKey,
    signatures: [link, root],
  }
}

function derived(td: SimulatedTd): ReturnType<typeof deriveV0> {
  return deriveV0(td.keys, signerPath(td.instanceId), SIGNER_PURPOSE, 'secp256k1')
}
