import { nodeP384 } from '@jeju/verifier/node'
import { verifyRim, type VerifiedRim } from '../../../verifier/src/gpu/rim/verify-rim.ts'
import { CertificateStore } from '../../../verifier/src/pki/certificates.ts'
import { CheckFailure } from '../../../verifier/src/report/check-failure.ts'
import { parseCertificate, type Certificate } from '../../../verifier/src/x509/certificate.ts'
import { P384_PROFILE } from '../../../verifier/src/x509/ecdsa-profile.ts'
import { P384Verifier } from '../../../verifier/src/x509/p384.ts'
import { hopper } from './lies.ts'

/** RIMs as text, verified without a device. */

const keys = new P384Verifier(nodeP384)
const store = new CertificateStore(keys, P384_PROFILE)
export const simulatedRoot: Certificate = parseCertificate(
  hopper.roots.rimRoot,
  'root',
  P384_PROFILE,
)

export function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

export function verified(text: string, root = simulatedRoot): Promise<VerifiedRim> {
  return verifyRim(new TextEncoder().encode(text), root, store, keys)
}

/** Code of what is objected to; `verified` where nothing is. */
export async function codeOf(text: string, root = simulatedRoot): Promise<string> {
  return verified(text, root).then(
    () => 'verified',
    (error: unknown) => {
      if (!(error instanceof CheckFailure)) throw error
      return error.code
    },
  )
}
