import { VerifierError } from '../../errors.ts'
import type { DstackAttestation } from './attestation.ts'
import { attestationInvalid } from './byte-source.ts'
import { decodeAttestationV1 } from './decode-message-pack.ts'
import { decodeAttestationV0 } from './decode-scale.ts'

/** Largest bundle read, as in dstack (real ones are 7 to 12 KiB). */
export const MAX_ATTESTATION_BYTES: number = 10 * 1024 * 1024

/**
 * Reads a versioned attestation bundle: SCALE behind a zero byte, MessagePack behind the tag of a map. Longer
 * lengths than needed, members in another order, unknown or twice, and trailing bytes are refused (attack E19).
 * @throws VerifierError `ATTESTATION_INVALID`, `ATTESTATION_UNSUPPORTED`, `ATTESTATION_TOO_LARGE`,
 * `INPUT_TRUNCATED`, `INPUT_TRAILING`
 */
export function decodeAttestation(bytes: Uint8Array): DstackAttestation {
  if (bytes.length > MAX_ATTESTATION_BYTES) {
    throw new VerifierError(
      'ATTESTATION_TOO_LARGE',
      `attestation: expected at most ${MAX_ATTESTATION_BYTES} bytes, got ${bytes.length}`,
    )
  }
  const [first] = bytes
  if (first === undefined) throw new VerifierError('INPUT_TRUNCATED', 'attestation: no bytes')
  if (first === 0x00) return decodeAttestationV0(bytes)
  if ((first & 0xf0) === 0x80 || first === 0xde || first === 0xdf) return decodeAttestationV1(bytes)
  throw attestationInvalid('version', `expected 0 or a MessagePack map, got byte ${first}`)
}
