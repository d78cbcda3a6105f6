import { sha256 } from '../bytes/hash.ts'
import { toHex } from '../bytes/hex.ts'
import { Recent } from '../bytes/recent.ts'
import { VerifierError } from '../errors.ts'
import {
  isoTime,
  requireAuthority,
  requireEndEntity,
  requireNames,
  requireValidAt,
  type ChainCodes,
} from '../pki/issuance.ts'
import { CheckFailure } from '../report/check-failure.ts'
import { objection, passed, type Check } from '../report/check.ts'
import type { Certificate } from '../x509/certificate.ts'
import { P256Verifier } from '../x509/p256.ts'
import { Certificates, requireAnchor, requireRootNames } from './issuance.ts'
import { readPckPlatform, type PckPlatform } from './sgx-extension.ts'
import type { TrustAnchor } from './trust-anchor.ts'

const NAME = 'pck-chain'
const LEAF_NAME = 'Intel SGX PCK Certificate'
const PROCESSOR_CA_NAME = 'Intel SGX PCK Processor CA'
export const PCK_CA_NAMES: readonly string[] = ['Intel SGX PCK Platform CA', PROCESSOR_CA_NAME]
export const PCK_CODES: ChainCodes = {
  shape: 'PCK_CHAIN_INVALID',
  untrusted: 'PCK_CHAIN_UNTRUSTED',
  certificate: 'PCK_CERT_INVALID',
  signature: 'PCK_SIGNATURE_INVALID',
  expired: 'PCK_CERT_EXPIRED',
  notYetValid: 'PCK_CERT_NOT_YET_VALID',
}

/** A chain that holds, and what Intel certified of the platform. */
export interface PckChain {
  readonly leaf: Certificate
  readonly intermediate: Certificate
  readonly root: Certificate
  readonly platform: PckPlatform
  /** What the passed check shows. */
  readonly evidence: Readonly<Record<string, unknown>>
}

/** The result of the chain check. `chain` is there only where it passed. */
export interface CheckedPckChain {
  readonly check: Check<typeof NAME>
  readonly chain: PckChain | undefined
}

/**
 * FMSPC and kind of CA of a chain that nobody has verified: what to ask collateral for.
 * @throws VerifierError `PCK_CHAIN_UNREADABLE`
 */
export function readPckPlatformUnverified(pem: Uint8Array): {
  readonly fmspc: string
  readonly ca: 'platform' | 'processor'
} {
  const { platform, ca } = readPckChainUnverified(pem)
  return { fmspc: platform.fmspc, ca }
}

/**
 * What the leaf of a chain says of its platform; a claim until `pck-chain` passed.
 * @throws VerifierError `PCK_CHAIN_UNREADABLE`
 */
export function readPckChainUnverified(pem: Uint8Array): {
  readonly platform: PckPlatform
  readonly ca: 'platform' | 'processor'
  /** DER of the root it names. */
  readonly rootDer: Uint8Array
} {
  try {
    const reader = new Certificates(new P256Verifier())
    const [leaf, intermediate, root] = reader.readChain(chainText(pem), 3, 'a PCK chain', PCK_CODES)
    if (leaf !== undefined && intermediate !== undefined && root !== undefined) {
      const ca = intermediate.commonName === PROCESSOR_CA_NAME ? 'processor' : 'platform'
      return { platform: readPckPlatform(leaf), ca, rootDer: root.der }
    }
  } catch (cause) {
    if (!(cause instanceof CheckFailure)) throw cause
    throw new VerifierError('PCK_CHAIN_UNREADABLE', `PCK chain: ${cause.message}`, { cause })
  }
  throw new VerifierError('PCK_CHAIN_UNREADABLE', 'PCK chain: incomplete')
}

/** Chains of as many platforms are kept. */
const MAX_KEPT_CHAINS = 256

/** Checks PCK chains under one anchor, and keeps those whose names, constraints and signatures hold. */
export class PckChains {
  readonly #anchor: TrustAnchor
  readonly #certificates: Certificates
  readonly #known = new Recent<PckChain>(MAX_KEPT_CHAINS)

  constructor(anchor: TrustAnchor, certificates: Certificates) {
    this.#anchor = anchor
    this.#certificates = certificates
  }

  /**
   * `pck-chain`: leaf ← intermediate ← root, ending in the anchor, all valid at `at` (Unix milliseconds). The dates
   * are asked every time.
   */
  async check(pem: Uint8Array, at: number): Promise<CheckedPckChain> {
    try {
      const text = chainText(pem)
      const known = this.#known.get(text)
      const chain = known ?? (await this.#verify(text, at))
      requireChainValidAt(chain, at)
      if (known === undefined) this.#known.set(text, chain)
      return { check: passed(NAME, chain.evidence), chain }
    } catch (error) {
      return { check: objection(NAME, error), chain: undefined }
    }
  }

  async #verify(text: string, at: number): Promise<PckChain> {
    const certificates = this.#certificates
    const chain = readPckChain(text, this.#anchor, certificates)
    // Before the signatures: an expired chain is not worth the work.
    requireChainValidAt(chain, at)
    const { leaf, intermediate, root } = chain
    await Promise.all([
      certificates.requireSignature(leaf, intermediate, PCK_CODES),
      certificates.requireSignature(intermediate, root, PCK_CODES),
      certificates.requireRootSignature(root, this.#anchor, PCK_CODES),
    ])
    return chain
  }
}

const LATIN1 = new TextDecoder('latin1')

/** Intel's quoting library writes one NUL at the very end. */
function chainText(pem: Uint8Array): string {
  return LATIN1.decode(pem.at(-1) === 0 ? pem.subarray(0, -1) : pem)
}

function requireChainValidAt({ leaf, intermediate, root }: PckChain, at: number): void {
  for (const certificate of [leaf, intermediate, root]) requireValidAt(certificate, at, PCK_CODES)
}

/** Everything but dates and signatures. @throws CheckFailure */
function readPckChain(text: string, anchor: TrustAnchor, certificates: Certificates): PckChain {
  const what = 'three X.509 certificates'
  const [leaf, intermediate, root] = certificates.readChain(text, 3, what, PCK_CODES)
  if (leaf === undefined || intermediate === undefined || root === undefined) {
    throw new CheckFailure('PCK_CHAIN_INVALID', what, 'fewer')
  }
  requireAnchor(root, anchor, PCK_CODES)
  const issuer = { certificate: intermediate, role: 'the intermediate' }
  requireNames(leaf, 'leaf', [LEAF_NAME], issuer, PCK_CODES)
  const top = { certificate: root, role: 'the root' }
  requireNames(intermediate, 'intermediate', PCK_CA_NAMES, top, PCK_CODES)
  requireRootNames(root, PCK_CODES)
  requireEndEntity(leaf, 'leaf', PCK_CODES)
  requireAuthority(intermediate, 'intermediate', PCK_CODES)
  if (intermediate.pathLength !== 0) {
    const actual = String(intermediate.pathLength)
    throw new CheckFailure('PCK_CERT_INVALID', 'intermediate: path length 0', actual)
  }
  const platform = readPckPlatform(leaf)
  const evidence = {
    anchor: anchor.name,
    tier: anchor.tier,
    leafSha256: toHex(sha256(leaf.der)),
    issuer: intermediate.commonName,
    fmspc: platform.fmspc,
    validUntil: isoTime(Math.min(leaf.notAfter, intermediate.notAfter, root.notAfter)),
  }
  return { leaf, intermediate, root, platform, evidence }
}
