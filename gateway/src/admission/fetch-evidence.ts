import {
  bindingIdOf,
  decodeEvidence,
  EVIDENCE_MEDIA_TYPE,
  MAX_EVIDENCE_BYTES,
  type ContractDomain,
  type Hex,
} from '@jeju/verifier/protocol'
import { readWhole } from './answer-body.ts'
import { EndpointError } from './endpoint.ts'
import type { Lease } from './lease.ts'
import type { ProviderConnection, ProviderRequest } from './provider-connection.ts'

/** A node did not hand out evidence. */
export class EvidenceError extends Error {
  override readonly name = 'EvidenceError'
  readonly code = 'EVIDENCE_UNAVAILABLE'
}

const EVIDENCE_TIMEOUT_MS = 60_000
/** How often a node is looked for behind an endpoint; each try may cost another node a quote. */
const MAX_TRIES = 3

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

/**
 * Evidence of the very node that a lease is of, for this nonce. Behind one endpoint there may be several, of which each
 * has keys of its own: another that answers is asked again, a few times. What is handed out is not judged.
 */
export async function fetchEvidenceOf(
  { endpoint, tlsKeys, bindingId }: Lease,
  nonce: Hex,
  {
    connection,
    registry,
    signal,
  }: {
    readonly connection: ProviderConnection
    readonly registry: ContractDomain
    readonly signal: AbortSignal
  },
): Promise<Uint8Array<ArrayBuffer>> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(EVIDENCE_TIMEOUT_MS)])
  for (let tries = 1; ; tries++) {
    try {
      const evidence = await fetchEvidence(connection, endpoint, nonce, {
        signal: deadline,
        tlsKeys,
      })
      const actual = bindingIdOf(decodeEvidence(evidence).statement, registry)
      if (actual === bindingId) return evidence
      if (tries >= MAX_TRIES) throw new EvidenceError(`node: expected ${bindingId}, got ${actual}`)
    } catch (error) {
      // Of another TLS key is another node.
      if (!(error instanceof EndpointError) || tries >= MAX_TRIES) throw error
    }
  }
}
