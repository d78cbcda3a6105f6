import { SignatureVerifier, webCryptoEcdsa, type EcdsaBackend } from './ecdsa.ts'
import { P384_PROFILE } from './ecdsa-profile.ts'

/** What verifies one ECDSA P-384 signature with SHA-384. */
export type P384Backend = EcdsaBackend

/** Web Crypto's. */
export const webCryptoP384: P384Backend = /* @__PURE__ */ webCryptoEcdsa(P384_PROFILE)

/** Verifies signatures of NVIDIA's curve. */
export class P384Verifier extends SignatureVerifier {
  constructor(backend: P384Backend = webCryptoP384) {
    super(backend)
  }
}
