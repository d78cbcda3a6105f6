import { EVIDENCE_MEDIA_TYPE, MAX_EVIDENCE_BYTES, type Hex } from '@jeju/verifier/protocol'
import { readWhole } from './answer-body.ts'
import type { ProviderConnection, ProviderRequest } from './provider-connection.ts'

/** A node did not hand out evidence. */
export class EvidenceError extends Error {
  override readonly name = 'EvidenceError'
  readonly code = 'EVIDENCE_UNAVAILABLE'
}

const EVIDENCE_TIMEOUT_MS = 60_000

/** Beside endpoint and nonce, what an evidence request may depend on. */
type Conditions = Partial<Pick<ProviderRequest, 'tlsKeys'>> & {
  /** Who asks waits no longer. */
  readonly signal?: AbortSignal
}

/** Evidence of a node for this nonce, bytes unmodified. Throws EvidenceError, EndpointError or a network error. */
export async function fetchEvidence(
  connection: ProviderConnection,
  endpoint: string,
  nonce: Hex,
  { signal, tlsKeys = [] }: Conditions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const timeout = AbortSignal.timeout(EVIDENCE_TIMEOUT_MS)
  const answer = await connection.send(endpoint, {
    method: 'GET',
    path: `/v1/attestation?nonce=${nonce.slice(2)}`,
    headers: { accept: EVIDENCE_MEDIA_TYPE },
    signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
    tlsKeys,
  })
  const type = answer.headers['content-type']
  if (answer.status !== 200 || type !== EVIDENCE_MEDIA_TYPE) {
    answer.body.destroy()
    throw new EvidenceError(`node: expected 200 and evidence, got ${answer.status}`)
  }
  const bytes = await readWhole(answer.body, MAX_EVIDENCE_BYTES)
  if (bytes !== undefined) return bytes
  throw new EvidenceError(`node: more than ${MAX_EVIDENCE_BYTES} bytes`)
}

