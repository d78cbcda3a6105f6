import { utf8 } from '../bytes/bytes.ts'
import { sha256 } from '../bytes/hash.ts'
import { toBareHex } from '../bytes/hex.ts'
import { fromBase64 } from '../bytes/base64.ts'
import { parseForeignJson } from '../dialect/foreign-json.ts'
import { canonicalJson, type JsonValue } from '../protocol/canonical-json.ts'
import { aciDigest, ACI_VERSION } from '../protocol/dialects/aci-statement.ts'
import { ProtocolError } from '../protocol/protocol-error.ts'
import { asInteger, asObject, asString } from '../protocol/shape.ts'

/** An attested session of an aggregator: one verified upstream and how long it holds. */
export interface AciSession {
  /** Hex of SHA-256 over the JCS of the document. */
  readonly id: string
  readonly upstreamName: string
  /** Unix seconds. */
  readonly establishedAt: number
  readonly expiresAt: number
  /** Exact bytes that the aggregator's verifier judged: to be judged again by who does not take its word. */
  readonly evidence: Uint8Array
}

const DATA_URI = /^data:[^,]*;base64,/
const MAX_EVIDENCE_CHARACTERS: number = 4 * 1024 * 1024

/**
 * Reads a session as it was fetched for `id`: the document has to have that id, and its evidence that digest (ACI,
 * attested sessions). Whether bindings and claims are good enough is the caller's policy.
 * @throws ProtocolError
 */
export function parseAciSession(text: string, id: string): AciSession {
  const session = asObject(parseForeignJson(text, 'session'), 'session')
  const actual = toBareHex(sha256(utf8(canonicalJson(session as JsonValue))))
  if (actual !== id) throw wrong(`id: expected ${id.slice(0, 64)}, got ${actual}`)
  if (session['api_version'] !== ACI_VERSION) throw wrong(`api_version: expected ${ACI_VERSION}`)
  const evidence = asObject(session['evidence'], 'session.evidence')
  const data = asString(evidence['data'], 'session.evidence.data', MAX_EVIDENCE_CHARACTERS)
  const [prefix] = DATA_URI.exec(data) ?? []
  if (prefix === undefined) throw wrong('evidence.data: expected a base64 data URI')
  const bytes = fromBase64(data.slice(prefix.length), 'session.evidence.data')
  const digest = aciDigest(bytes)
  if (evidence['digest'] !== digest) throw wrong(`evidence.digest: expected ${digest}`)
  const seconds = (name: string): number =>
    asInteger(session[name], `session.${name}`, { min: 0, max: 2 ** 40 })
  return {
    id,
    upstreamName: asString(session['upstream_name'], 'session.upstream_name', 512),
    establishedAt: seconds('established_at'),
    expiresAt: seconds('expires_at'),
    evidence: bytes,
  }
}

function wrong(message: string): ProtocolError {
  return new ProtocolError('INPUT_FIELD', `session.${message}`)
}
