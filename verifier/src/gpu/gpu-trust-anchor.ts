import { equalBytes } from '../bytes/bytes.ts'
import { VerifierError } from '../errors.ts'
import { parseCertificate, type Certificate } from '../x509/certificate.ts'
import { DerError } from '../x509/der.ts'
import { P384_PROFILE } from '../x509/ecdsa-profile.ts'
import { NVIDIA_DEVICE_ROOT_DER, NVIDIA_RIM_ROOT_DER } from './nvidia-roots.ts'

/** What a verdict on GPUs rests on. A property of the roots, never of the evidence. */
export type GpuTier = 'nvidia' | 'simulated'

/** Roots that chains of devices and of RIM signers end in; only made by the two functions below. */
export interface GpuTrustAnchor {
  readonly tier: GpuTier
  readonly name: string
  readonly deviceRoot: Certificate
  readonly rimRoot: Certificate
}

const made = new WeakSet<GpuTrustAnchor>()

/** The pinned NVIDIA Device Identity CA and NVIDIA CoRIM signing Root CA. */
export function nvidiaTrustAnchor(): GpuTrustAnchor {
  return anchor('nvidia', 'NVIDIA', read(NVIDIA_DEVICE_ROOT_DER), read(NVIDIA_RIM_ROOT_DER))
}

/**
 * Other roots, in DER, handed in by name. Every verdict under them says `simulated`.
 * @throws VerifierError `TRUST_ANCHOR_INVALID` for a key of NVIDIA's, which is never simulated, or an empty name
 */
export function simulatedGpuTrustAnchor(
  name: string,
  roots: { readonly deviceRoot: Uint8Array; readonly rimRoot: Uint8Array },
): GpuTrustAnchor {
  if (name === '') throw invalid('empty name')
  return anchor('simulated', name, readSimulated(roots.deviceRoot), readSimulated(roots.rimRoot))
}

/** Where the chains of devices end: in NVIDIA's root, or in another, in DER. */
export type DeviceRoot = 'nvidia' | Uint8Array

/** The root of devices alone. @throws VerifierError `TRUST_ANCHOR_INVALID` */
export function deviceRootOf(root: DeviceRoot): Certificate {
  return root === 'nvidia' ? read(NVIDIA_DEVICE_ROOT_DER) : readSimulated(root)
}

/** Refuses an object that only looks like an anchor: its tier would be the caller's claim. */
export function assertGpuTrustAnchor(candidate: GpuTrustAnchor): void {
  if (!made.has(candidate)) throw invalid('not made by this module')
}

function anchor(
  tier: GpuTier,
  name: string,
  deviceRoot: Certificate,
  rimRoot: Certificate,
): GpuTrustAnchor {
  const trustAnchor = Object.freeze({ tier, name, deviceRoot, rimRoot })
  made.add(trustAnchor)
  return trustAnchor
}

function readSimulated(der: Uint8Array): Certificate {
  const root = read(der)
  const nvidia = [read(NVIDIA_DEVICE_ROOT_DER), read(NVIDIA_RIM_ROOT_DER)]
  if (nvidia.some(({ publicKey }) => equalBytes(publicKey, root.publicKey))) {
    throw invalid('a root of NVIDIA as simulated')
  }
  return root
}

function read(der: Uint8Array): Certificate {
  try {
    return parseCertificate(der.slice(), 'root', P384_PROFILE)
  } catch (cause) {
    if (!(cause instanceof DerError)) throw cause
    throw new VerifierError('TRUST_ANCHOR_INVALID', `GPU trust anchor: ${cause.message}`, { cause })
  }
}

function invalid(what: string): VerifierError {
  return new VerifierError('TRUST_ANCHOR_INVALID', `GPU trust anchor: ${what}`)
}
