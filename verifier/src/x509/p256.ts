import { SignatureVerifier, webCryptoEcdsa, type EcdsaBackend } from './ecdsa.ts'
import { P256_PROFILE } from './ecdsa-profile.ts'

/** What verifies one ECDSA P-256 signature with SHA-256. */
export type P256Backend = EcdsaBackend

/** Web Crypto's. */
export const webCryptoP256: P256Backend = /* @__PURE__ */ webCryptoEcdsa(P256_PROFILE)

/** Verifies signatures of Intel's curve. */
export class P256Verifier extends SignatureVerifier {
  constructor(backend: P256Backend = webCryptoP256) {
    super(backend)
  }
}
