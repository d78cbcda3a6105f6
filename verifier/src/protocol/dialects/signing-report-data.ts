import { concatBytes } from '../../bytes/bytes.ts'
import { sha256 } from '../../bytes/hash.ts'
import { ProtocolError } from '../protocol-error.ts'

/** What the report data of the vllm-proxy dialect names. */
export interface SigningIdentity {
  /** 20-byte address (`ecdsa`) or 32-byte public key (`ed25519`). */
  readonly identity: Uint8Array
  /** 32 bytes. */
  readonly nonce: Uint8Array
  /** SHA-256 of the SubjectPublicKeyInfo; present exactly in the layout that binds the TLS key. */
  readonly spkiSha256?: Uint8Array | undefined
}

/**
 * Report data of the vllm-proxy dialect: identity padded with zeros, or SHA-256(identity ‖ SPKI digest), then the raw
 * nonce. Its second half is chosen by whoever asks, so a quote of this form proves nothing in any other dialect
 * (attacks C3, C4).
 */
export function signingReportData(named: SigningIdentity): Uint8Array<ArrayBuffer> {
  const { identity, nonce, spkiSha256 } = named
  if (identity.length !== 20 && identity.length !== 32) {
    throw new ProtocolError(
      'INPUT_FIELD',
      `identity: expected 20 or 32 bytes, got ${identity.length}`,
    )
  }
  if (nonce.length !== 32) {
    throw new ProtocolError('INPUT_FIELD', `nonce: expected 32 bytes, got ${nonce.length}`)
  }
  const first =
    spkiSha256 === undefined
      ? concatBytes(identity, new Uint8Array(32 - identity.length))
      : sha256(concatBytes(identity, spkiSha256))
  return concatBytes(first, nonce)
}
