import { concatBytes, utf8 } from '../bytes/bytes.ts'
import { keccak256, sha256 } from '../bytes/hash.ts'
import { fromBareHex, fromHex, toHex, type Hex } from '../bytes/hex.ts'
import { abiEncode } from './eip712.ts'
import { ProtocolError } from './protocol-error.ts'

/** What makes a quote fresh: a block for a registration, a verifier's nonce for a challenge (docs/protocol.md §2). */
export type Freshness =
  | { readonly kind: 'registration'; readonly blockNumber: bigint; readonly blockHash: Hex }
  | { readonly kind: 'challenge'; readonly nonce: Hex }

/** Stands for "no GPU": 32 zero bytes. */
export const ZERO_DIGEST: Hex = `0x${'00'.repeat(32)}`

const REGISTRATION_TAG = toHex(keccak256(utf8('jeju/registration/v1')))
const CHALLENGE_TAG = toHex(keccak256(utf8('jeju/challenge/v1')))

/** The freshness half of the report data, 32 bytes. */
export function freshnessHash(
  freshness: Freshness,
  gpuEvidenceDigest: Hex,
): Uint8Array<ArrayBuffer> {
  const preimage =
    freshness.kind === 'registration'
      ? abiEncode(
          ['bytes32', REGISTRATION_TAG, 'tag'],
          ['uint256', freshness.blockNumber, 'blockNumber'],
          ['bytes32', freshness.blockHash, 'blockHash'],
          ['bytes32', gpuEvidenceDigest, 'gpuEvidenceDigest'],
        )
      : abiEncode(
          ['bytes32', CHALLENGE_TAG, 'tag'],
          ['bytes32', freshness.nonce, 'nonce'],
          ['bytes32', gpuEvidenceDigest, 'gpuEvidenceDigest'],
        )
  return keccak256(preimage)
}

/** The 64 bytes a quote carries: bindingId ‖ freshness hash. */
export function reportData(
  bindingId: Hex,
  freshness: Freshness,
  gpuEvidenceDigest: Hex,
): Uint8Array<ArrayBuffer> {
  return concatBytes(
    fromHex(bindingId, 32, 'bindingId'),
    freshnessHash(freshness, gpuEvidenceDigest),
  )
}

/** The nonce GPU evidence must carry, 32 bytes. */
export function gpuNonce(bindingId: Hex, freshness: Freshness): Uint8Array<ArrayBuffer> {
  const challenge = freshness.kind === 'registration' ? freshness.blockHash : freshness.nonce
  return sha256(
    concatBytes(
      utf8('jeju/gpu-nonce/v1'),
      fromHex(challenge, 32, 'challenge'),
      fromHex(bindingId, 32, 'bindingId'),
    ),
  )
}

/** A nonce as sent in a query: exactly 64 lowercase hex characters, not all zero (attack C2). */
export function parseNonce(text: string | undefined): Hex {
  if (text === undefined || !/^[0-9a-f]{64}$/.test(text) || /^0+$/.test(text)) {
    throw new ProtocolError(
      'INPUT_HEX',
      'nonce: expected 64 lowercase hex characters, not all zero',
    )
  }
  return toHex(fromBareHex(text))
}
