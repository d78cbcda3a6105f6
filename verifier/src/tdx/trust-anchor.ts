import { sha256 } from '../bytes/hash.ts'
import { toHex } from '../bytes/hex.ts'
import { VerifierError } from '../errors.ts'
import { INTEL_ROOT_DER, INTEL_ROOT_SHA256 } from './intel-root.ts'

/** What a verdict rests on. A property of the root, never of the evidence. */
export type Tier = 'tdx' | 'simulated'

const made = new WeakSet()

/** A root certificate to end in; only made by the two functions below. */
export interface TrustAnchor {
  readonly tier: Tier
  readonly name: string
  /** DER. */
  readonly certificate: Uint8Array
}

/** The pinned Intel SGX Root CA. */
export function intelTrustAnchor(): TrustAnchor {
  return anchor('tdx', 'Intel SGX Root CA', INTEL_ROOT_DER)
}

/**
 * Another root, handed in by name. Every verdict under it says `simulated`.
 * @throws VerifierError `TRUST_ANCHOR_INVALID` for Intel's own root, which is never simulated, or an empty name
 */
export function simulatedTrustAnchor(name: string, rootCertificateDer: Uint8Array): TrustAnchor {
  if (name === '') throw new VerifierError('TRUST_ANCHOR_INVALID', 'trust anchor: empty name')
  if (toHex(sha256(rootCertificateDer)) === INTEL_ROOT_SHA256) {
    throw new VerifierError('TRUST_ANCHOR_INVALID', 'trust anchor: the root of Intel as simulated')
  }
  return anchor('simulated', name, rootCertificateDer)
}

/** Refuses an object that only looks like an anchor: its tier would be the caller's claim. */
export function assertTrustAnchor(candidate: TrustAnchor): void {
  if (!made.has(candidate)) {
    throw new VerifierError('TRUST_ANCHOR_INVALID', 'trust anchor: not made by this module')
  }
}

function anchor(tier: Tier, name: string, der: Uint8Array): TrustAnchor {
  const trustAnchor = Object.freeze({ tier, name, certificate: der.slice() })
  made.add(trustAnchor)
  return trustAnchor
}
