import {
  asInteger,
  asString,
  canonicalJson,
  encodeAnchoredEpoch,
  encodeInclusionProof,
  exactObject,
  MAX_PROOF_CHARACTERS,
  parseAnchoredEpoch,
  parseCanonicalJson,
  parseInclusionProof,
  ProtocolError,
  type AnchoredEpoch,
  type InclusionProof,
} from '@jeju/verifier/protocol'
import { SdkError } from '../errors/sdk-error.ts'

/** Where a receipt stands in its node's log, and what the chain said of that: enough to prove it offline. */
export interface InclusionRecord {
  readonly proof: InclusionProof
  /** As the caller's own RPC told it. */
  readonly anchored: AnchoredEpoch
}

/** JCS text of a record. */
export function encodeInclusionRecord({ proof, anchored }: InclusionRecord): string {
  return canonicalJson({
    v: 1,
    proof: encodeInclusionProof(proof),
    anchored: encodeAnchoredEpoch(anchored),
  })
}

/** Reads a record; nothing is judged. Throws `RECORD_INVALID`. */
export function parseInclusionRecord(text: string, name: string): InclusionRecord {
  try {
    const members = ['v', 'proof', 'anchored'] as const
    const record = exactObject(parseCanonicalJson(text, name), name, members)
    asInteger(record['v'], 'v', { min: 1, max: 1 })
    return {
      proof: parseInclusionProof(asString(record['proof'], 'proof', MAX_PROOF_CHARACTERS)),
      anchored: parseAnchoredEpoch(asString(record['anchored'], 'anchored', MAX_PROOF_CHARACTERS)),
    }
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause
    throw new SdkError('RECORD_INVALID', `${name}: ${cause.message}`, { cause })
  }
}
