import { CertificateStore } from '../pki/certificates.ts'
import type { CheckFailureCode } from '../report/check-failure.ts'
import { P384_PROFILE } from '../x509/ecdsa-profile.ts'
import { P384Verifier, type P384Backend } from '../x509/p384.ts'
import { find } from './check-each.ts'
import { verifyDeviceChain } from './device/device-chain.ts'
import { deviceRootOf, type DeviceRoot } from './gpu-trust-anchor.ts'

/** Why what a device answered is not that of a device of this root. */
export interface DeviceObjection {
  readonly code: CheckFailureCode
  readonly expected: string
  readonly actual: string
}

/**
 * Whether devices are of one root, for whoever asks them itself and has no policy, reference values or status to hold
 * them to: a node, before it shows to anybody what it collected. Keeps what it has verified of certificates.
 */
export class DeviceAuthority {
  readonly isNvidia: boolean
  readonly #root
  readonly #keys
  readonly #store

  /**
   * @param root `nvidia` for the pinned NVIDIA Device Identity CA, or another in DER
   * @throws VerifierError `TRUST_ANCHOR_INVALID` for what is no root, or a root of NVIDIA as another
   */
  constructor(root: DeviceRoot, signatures?: P384Backend) {
    this.isNvidia = root === 'nvidia'
    this.#root = deviceRootOf(root)
    this.#keys = new P384Verifier(signatures)
    this.#store = new CertificateStore(this.#keys, P384_PROFILE)
  }

  /**
   * What is wrong with a device's certificates (PEM, leaf first) at `at`, or with the signature of its report by their
   * leaf; undefined where every link holds up to the root.
   */
  async objectionTo(
    certificates: string,
    report: { readonly signed: Uint8Array; readonly signature: Uint8Array },
    at: Date,
  ): Promise<DeviceObjection | undefined> {
    const chain = await find(
      () => verifyDeviceChain(certificates, this.#root, this.#store, at.getTime()),
      'GPU_CERT_INVALID',
    )
    if (chain.failure !== undefined) {
      const { code, expected, actual } = chain.failure
      return { code, expected, actual }
    }
    const { publicKey } = chain.value.leaf
    if (await this.#keys.verify(publicKey, report.signature, report.signed)) return undefined
    const expected = 'a report signed by its leaf certificate'
    return { code: 'GPU_REPORT_SIGNATURE_INVALID', expected, actual: 'signature invalid' }
  }
}
