import { equalBytes } from '../bytes/bytes.ts'
import { sha256 } from '../bytes/hash.ts'
import { toHex } from '../bytes/hex.ts'
import { CertificateStore } from '../pki/certificates.ts'
import { requireAuthority, requireNames, type ChainCodes } from '../pki/issuance.ts'
import { CheckFailure } from '../report/check-failure.ts'
import type { Certificate } from '../x509/certificate.ts'
import { P256_PROFILE } from '../x509/ecdsa-profile.ts'
import type { P256Backend, P256Verifier } from '../x509/p256.ts'
import type { TrustAnchor } from './trust-anchor.ts'

/** Rules of Intel's root, in PCK chains and those of the signers of collateral. */

const ROOT_NAME = 'Intel SGX Root CA'

/**
 * Anchors of which a backend found that they signed themselves. An anchor is an input of path validation (RFC 5280
 * §6.1.1), the same bytes for as long as it lives: it is asked once, and not by every verifier anew.
 */
const selfSigned = new WeakMap<P256Backend, WeakSet<TrustAnchor>>()

/** Certificates under Intel's root as one verifier meets them. */
export class Certificates extends CertificateStore {
  readonly #selfSigned: WeakSet<TrustAnchor>

  constructor(keys: P256Verifier) {
    super(keys, P256_PROFILE)
    this.#selfSigned = selfSigned.get(keys.backend) ?? new WeakSet()
    selfSigned.set(keys.backend, this.#selfSigned)
  }

  /**
   * Intel's root is pinned byte for byte, signature and all; one that was handed in must at least have signed itself.
   * The root is the anchor's own certificate ({@link requireAnchor}).
   * @throws CheckFailure
   */
  async requireRootSignature(
    root: Certificate,
    anchor: TrustAnchor,
    codes: ChainCodes,
  ): Promise<void> {
    if (anchor.tier === 'tdx' || this.#selfSigned.has(anchor)) return
    await this.requireSignature(root, root, codes)
    this.#selfSigned.add(anchor)
  }
}

/** The anchor's own bytes, self-issued and a CA. Names alone make no root (attack B12). */
export function requireAnchor(root: Certificate, anchor: TrustAnchor, codes: ChainCodes): void {
  if (!equalBytes(root.der, anchor.certificate)) {
    throw new CheckFailure(
      codes.untrusted,
      `root ${anchor.name}, sha256 ${toHex(sha256(anchor.certificate))}`,
      `root sha256 ${toHex(sha256(root.der))}`,
    )
  }
  requireAuthority(root, 'root', codes)
}

/** Names of the root, which issued itself. */
export function requireRootNames(root: Certificate, codes: ChainCodes): void {
  requireNames(root, 'root', [ROOT_NAME], { certificate: root, role: 'itself' }, codes)
}
