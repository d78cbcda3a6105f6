import {
  ACI_VERSION,
  aciDigest,
  canonicalJson,
  EVIDENCE_MEDIA_TYPE,
  fromBareHex,
  sha256,
  toBareHex,
  utf8,
  type JsonValue,
} from '@jeju/verifier/protocol'
import type { ProviderState } from '../chain/gateway-chain.ts'
import type { Admission } from './admit.ts'

/** Named in every session, and to be changed whenever the meaning of its claims does. */
const VERIFIER_ID = 'jeju-gateway/1'

/** An attested session (ACI): one verified node, how it is bound, until when; named by its own content. */
export interface Session {
  /** SHA-256 of the JCS of the document. */
  readonly id: Uint8Array
  /** JCS text, evidence included. */
  readonly document: string
  /** As it is listed: with its id and without the evidence. */
  readonly listed: { readonly [member: string]: JsonValue }
  /** Unix milliseconds. */
  readonly expiresAtMs: number
}

/** What a session is made of. */
interface SessionParts {
  readonly provider: ProviderState
  readonly admission: Extract<Admission, { outcome: 'admitted' }>
  readonly tlsKeys: readonly string[]
  readonly at: Date
  readonly expiresAt: Date
}

/** The session of a lease from now on; a renewal makes another (docs/protocol.md §8). */
export function sessionOf({ provider, admission, tlsKeys, at, expiresAt }: SessionParts): Session {
  const { verdict, evidence } = admission
  const origin = new URL(provider.endpoint).origin
  const content = {
    api_version: ACI_VERSION,
    upstream_name: `agent-${provider.agentId}`,
    endpoint: origin,
    verifier_id: VERIFIER_ID,
    established_at: Math.floor(at.getTime() / 1000),
    expires_at: Math.floor(expiresAt.getTime() / 1000),
    identity: { signing_address: verdict.claims.statement.signer },
    channel_binding: [
      ...tlsKeys.map((key) => ({ type: 'tls_spki_sha256', origin, spki_sha256: key })),
      ...verdict.claims.keyset.e2ee_public_keys.map(({ key_id, algo, public_key }) => ({
        type: 'e2ee_public_key_sha256',
        provider: 'jeju',
        key_id,
        algorithm: algo,
        public_key_sha256: toBareHex(sha256(fromBareHex(public_key))),
      })),
    ],
    claims: claimsOf(admission),
  }
  const digest = aciDigest(evidence)
  const data = `data:${EVIDENCE_MEDIA_TYPE};base64,${Buffer.from(evidence).toString('base64')}`
  const document = canonicalJson({ ...content, evidence: { digest, data } })
  const id = sha256(utf8(document))
  return {
    id,
    document,
    listed: { ...content, evidence: { digest }, session_id: toBareHex(id) },
    expiresAtMs: expiresAt.getTime(),
  }
}

/** Only what was checked is asserted. */
function claimsOf({ verdict, report, countsGpus }: SessionParts['admission']): {
  readonly [name: string]: JsonValue
} {
  const { claims, tier } = verdict
  const tcb = report.checks.find(({ name }) => name === 'tcb-status')
  const isUpToDate = tcb?.status === 'passed' && tcb.evidence['status'] === 'UpToDate'
  const source = 'hardware_proven'
  const proven = { status: 'asserted', source }
  const isReal = tier !== 'simulated'
  const notHeld = 'the registry does not have these GPUs as those of this binding'
  const gpuClaim =
    claims.gpu === undefined || (countsGpus && !isReal)
      ? { status: 'unknown' }
      : countsGpus
        ? proven
        : { status: 'refuted', source: 'verifier_derived', reason: notHeld }
  const measured = claims.catalog.models.every(({ state }) => state === 'measured')
  return {
    tee_attested: isReal
      ? proven
      : { status: 'refuted', source: 'verifier_derived', reason: 'a simulated root' },
    gpu_attested: gpuClaim,
    tcb_up_to_date: isUpToDate
      ? { status: 'asserted', source: 'verifier_derived' }
      : { status: 'refuted', source: 'verifier_derived', reason: 'tolerated by the policy' },
    os_known_good: { status: 'asserted', source: 'verifier_derived' },
    serving_software_known_good: { status: 'asserted', source: 'verifier_derived' },
    model_weights_provenance: measured
      ? { status: 'asserted', source: 'verifier_derived' }
      : { status: 'unknown' },
    extra: {
      agent_id: claims.statement.agentId.toString(),
      binding_id: claims.bindingId,
      compose_hash: claims.composeHash,
      tier,
    },
  }
}
