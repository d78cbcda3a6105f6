import { VerifierError } from '@jeju/verifier'
import { decodeAttestation } from '../../../verifier/src/dstack/attestation/decode-attestation.ts'

/** Code with which bytes are refused, or `read`. */
export function outcome(input: Uint8Array): string {
  try {
    decodeAttestation(input)
    return 'read'
  } catch (error) {
    if (error instanceof VerifierError) return error.code
    throw error
  }
}
