import {
  encodeCollateral,
  parseCollateral,
  VerifierError,
  type QuoteCollateral,
} from '@jeju/verifier'
import {
  asHex,
  asInteger,
  asString,
  canonicalJson,
  exactObject,
  fromBase64Url,
  MAX_EVIDENCE_BYTES,
  parseCanonicalJson,
  ProtocolError,
  sha256,
  toBase64Url,
  toHex,
  type Hex,
} from '@jeju/verifier/protocol'
import { SdkError } from '../errors/sdk-error.ts'

/** What one verification of a node rested on: enough to make it again, offline. */
export interface EvidenceRecord {
  /** When it was judged. */
  readonly at: Date
  /** What it was asked for. */
  readonly nonce: Hex
  readonly bundle: Uint8Array
  /** What Intel said of the platform at that time. */
  readonly collateral: QuoteCollateral
}

const MAX_MILLISECONDS = 2 ** 45
const MAX_COLLATERAL_CHARACTERS = 24 * 1024 * 1024

/** SHA-256 of the bundle: the name of a record. */
export function evidenceDigestOf({ bundle }: Pick<EvidenceRecord, 'bundle'>): Hex {
  return toHex(sha256(bundle))
}

/** JCS text of a record. */
export function encodeEvidenceRecord({ at, nonce, bundle, collateral }: EvidenceRecord): string {
  return canonicalJson({
    v: 1,
    at: at.getTime(),
    nonce,
    bundle: toBase64Url(bundle),
    collateral: encodeCollateral(collateral),
  })
}

/** Reads a record and compares it with its name; nothing else is judged. Throws `RECORD_INVALID`. */
export function parseEvidenceRecord(text: string, digest: Hex): EvidenceRecord {
  try {
    const members = ['v', 'at', 'nonce', 'bundle', 'collateral'] as const
    const record = exactObject(parseCanonicalJson(text, 'evidence'), 'evidence', members)
    asInteger(record['v'], 'evidence.v', { min: 1, max: 1 })
    const encoded = asString(record['bundle'], 'evidence.bundle', 2 * MAX_EVIDENCE_BYTES)
    const bundle = fromBase64Url(encoded, 'evidence.bundle')
    const actual = evidenceDigestOf({ bundle })
    if (actual !== digest) {
      throw new SdkError('RECORD_INVALID', `evidence ${digest}: its digest is ${actual}`)
    }
    return {
      at: new Date(asInteger(record['at'], 'evidence.at', { min: 0, max: MAX_MILLISECONDS })),
      nonce: asHex(record['nonce'], 'evidence.nonce', 32),
      bundle,
      collateral: parseCollateral(
        asString(record['collateral'], 'evidence.collateral', MAX_COLLATERAL_CHARACTERS),
      ),
    }
  } catch (cause) {
    if (!(cause instanceof ProtocolError || cause instanceof VerifierError)) throw cause
    throw new SdkError('RECORD_INVALID', `evidence ${digest}: ${cause.message}`, { cause })
  }
}
