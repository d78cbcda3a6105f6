import { Recent } from '../bytes/recent.ts'
import { CheckFailure } from '../report/check-failure.ts'
import { parseCertificate, type Certificate } from '../x509/certificate.ts'
import { DerError } from '../x509/der.ts'
import type { EcdsaProfile } from '../x509/ecdsa-profile.ts'
import type { SignatureVerifier } from '../x509/ecdsa.ts'
import { PemError, pemBlockDer, pemBlocks } from '../x509/pem.ts'
import type { ChainCodes } from './issuance.ts'

/** Longest PEM text of a chain; one of three certificates is about 4 KiB. */
const MAX_CHAIN_CHARACTERS: number = 16 * 1024

/** As many certificates are kept: the authorities come back with every chain, the leaves with their platforms. */
const MAX_KEPT_CERTIFICATES = 64

/** Certificates of one PKI as a verifier meets them: each is read once, and the signature on it verified once. */
export class CertificateStore {
  readonly #keys: SignatureVerifier
  readonly #profile: EcdsaProfile
  readonly #known = new Recent<Certificate>(MAX_KEPT_CERTIFICATES)

  constructor(keys: SignatureVerifier, profile: EcdsaProfile) {
    this.#keys = keys
    this.#profile = profile
  }

  /** Reads the certificates of a PEM chain, in its order. @throws CheckFailure */
  readChain(
    pem: string,
    count: number | readonly number[],
    what: string,
    codes: ChainCodes,
  ): readonly Certificate[] {
    try {
      const blocks = pemBlocks(pem, count, MAX_CHAIN_CHARACTERS)
      return blocks.map((block) => this.read(block))
    } catch (error) {
      if (error instanceof PemError) throw new CheckFailure(codes.shape, what, error.message)
      if (error instanceof DerError) throw new CheckFailure(codes.certificate, what, error.message)
      throw error
    }
  }

  /** Signed by that issuer's key. @throws CheckFailure */
  async requireSignature(
    certificate: Certificate,
    issuer: Certificate,
    codes: ChainCodes,
  ): Promise<void> {
    const { signature, tbs, commonName } = certificate
    if (!(await this.#keys.verifyOnce(issuer.publicKey, signature, tbs))) {
      const expected = `${commonName} signed by its issuer`
      throw new CheckFailure(codes.signature, expected, 'signature invalid')
    }
  }

  /** Reads one certificate in base64 with line breaks. @throws PemError, DerError */
  read(block: string): Certificate {
    const known = this.#known.get(block)
    if (known !== undefined) return known
    const certificate = parseCertificate(pemBlockDer(block), 'certificate', this.#profile)
    this.#known.set(block, certificate)
    return certificate
  }
}
