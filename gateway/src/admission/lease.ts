import type { ReceiptExpectation, Report, VerifiedVerdict } from '@jeju/verifier'
import { modelIdOf, toBareHex, type Hex, type ModelDescriptor } from '@jeju/verifier/protocol'
import type { ServiceTier } from '@jeju/verifier/routing'
import type { ProviderState } from '../chain/gateway-chain.ts'
import type { Admission } from './admit.ts'
import { sessionOf, type Session } from './session.ts'

/** Permission to route to one binding, for a while. */
export interface Lease {
  readonly agentId: bigint
  readonly owner: Hex
  readonly bindingId: Hex
  readonly endpoint: string
  readonly endpointVersion: number
  /** Bonded when the evidence was judged, wei. */
  readonly stake: bigint
  readonly tier: ServiceTier
  readonly verdict: VerifiedVerdict
  readonly report: Report
  /** When the nonce of its evidence was drawn. */
  readonly startedAt: Date
  readonly expiresAt: Date
  /** Keys that its receipts are judged by. */
  readonly binding: ReceiptExpectation['binding']
  /** Verified catalogue by the model's id on chain. */
  readonly models: ReadonlyMap<Hex, ModelDescriptor>
  /** TLS keys that end in the node under the endpoint's name, bare hex. */
  readonly tlsKeys: readonly string[]
  /** Whether GPUs were verified, and the chain has nothing against counting them: otherwise it is a node without. */
  readonly countsGpus: boolean
  /**
   * PPID of the machine, and identities of its GPUs that count: each stands behind a bounded number of leases (attack F8).
   */
  readonly platform: string
  readonly devices: readonly Hex[]
  readonly session: Session
}

/** How long a lease is from when its nonce was drawn. */
export const LEASE_MS: number = 10 * 60_000

/**
 * A lease from when its nonce was drawn; it outlives neither the keyset nor the chain's record of the binding.
 */
export function leaseOf(
  provider: ProviderState,
  admission: Extract<Admission, { outcome: 'admitted' }>,
  at: Date,
): Lease {
  const { agentId, owner, endpoint, endpointVersion, stake } = provider
  const { report, verdict, bindingValidUntil, platform, countsGpus } = admission
  const { bindingId, keyset, catalog, statement, gpu } = verdict.claims
  const end = Math.min(
    at.getTime() + LEASE_MS,
    keyset.not_after * 1000,
    Number(bindingValidUntil) * 1000,
  )
  const expiresAt = new Date(end)
  const { signer, keysetDigest } = statement
  const tlsKeys = tlsKeysOf(endpoint, verdict)
  return {
    agentId,
    owner,
    bindingId,
    endpoint,
    endpointVersion,
    stake,
    tier: verdict.tier === 'simulated' ? 'simulated' : countsGpus ? 'tdx_gpu' : 'tdx',
    verdict,
    report,
    startedAt: at,
    expiresAt,
    binding: { bindingId, signer, keysetDigest, keyset },
    models: new Map(catalog.models.map((model) => [modelIdOf(model), model])),
    tlsKeys,
    platform,
    countsGpus,
    devices: countsGpus ? (gpu?.devices.map(({ identity }) => identity) ?? []) : [],
    session: sessionOf({ provider, admission, tlsKeys, at, expiresAt }),
  }
}

/** Only of a connection that has a TLS of that name; a key without a name is good for any. */
function tlsKeysOf(endpoint: string, { claims }: VerifiedVerdict): readonly string[] {
  const { protocol, hostname } = new URL(endpoint)
  if (protocol !== 'https:') return []
  return claims.keyset.tls_public_keys
    .filter(({ domain }) => domain === undefined || domain === hostname)
    .map(({ spki_sha256 }) => spki_sha256)
}

/**
 * Whether a prompt that is not sealed reaches the node and nobody else: TLS ends in it, or it is on this machine, where
 * alone plain HTTP is admitted.
 */
export function takesPlain({ endpoint, tlsKeys, verdict }: Lease): boolean {
  if (verdict.claims.posture.request_confidentiality === 'sealed') return false
  return tlsKeys.length > 0 || new URL(endpoint).protocol === 'http:'
}

/** Digest of a lease's session, bare hex. */
export function sessionIdOf({ session }: Lease): string {
  return toBareHex(session.id)
}
