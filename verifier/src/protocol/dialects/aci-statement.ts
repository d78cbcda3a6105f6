import { concatBytes, utf8 } from '../../bytes/bytes.ts'
import { sha256 } from '../../bytes/hash.ts'
import { toBareHex } from '../../bytes/hex.ts'
import { canonicalJson, type JsonValue } from '../canonical-json.ts'
import { ProtocolError } from '../protocol-error.ts'

/** Version that every artefact of Attested Confidential Inference carries. */
export const ACI_VERSION = 'aci/1'

const PURPOSE = 'aci.report_data.v1'
const DIGEST = /^sha256:[0-9a-f]{64}$/
const NONCE = /^[0-9a-f]{64}$/

/** `sha256:` and 64 lowercase hex characters over exact bytes (ACI, encodings). */
export function aciDigest(bytes: Uint8Array): string {
  return `sha256:${toBareHex(sha256(bytes))}`
}

/**
 * Digest of a keyset as it was parsed, members that nobody knows included: the identity of an ACI service
 * (ACI, keyset).
 */
export function aciKeysetDigest(keyset: JsonValue): string {
  return aciDigest(utf8(canonicalJson(keyset)))
}

/**
 * The statement that report data commits to: a fixed text which verifier and service each build themselves. Digest
 * and nonce are held to their form first, or a served digest could bring members of its own (attack C17).
 * @throws ProtocolError `INPUT_HEX`
 */
export function aciStatement(keysetDigest: string, nonce: string | null): Uint8Array<ArrayBuffer> {
  if (!DIGEST.test(keysetDigest)) {
    throw new ProtocolError('INPUT_HEX', 'keyset digest: expected sha256: and 64 lowercase hex')
  }
  if (nonce !== null && !NONCE.test(nonce)) {
    throw new ProtocolError('INPUT_HEX', 'nonce: expected 64 lowercase hex characters')
  }
  const said = nonce === null ? 'null' : `"${nonce}"`
  return utf8(`{"keyset_digest":"${keysetDigest}","nonce":${said},"purpose":"${PURPOSE}"}`)
}

/** The 64 bytes a quote carries for an ACI report: SHA-256(statement) ‖ zeros. `null` proves no freshness. */
export function aciReportData(keysetDigest: string, nonce: string | null): Uint8Array<ArrayBuffer> {
  return concatBytes(sha256(aciStatement(keysetDigest, nonce)), new Uint8Array(32))
}
