import type { Report, VerifiedVerdict } from '@jeju/verifier'
import type { Hex } from '@jeju/verifier/protocol'
import type { ProviderState } from '../chain/gateway-chain.ts'
import type { Admission } from './admit.ts'

/** Permission to route to one binding, for a while. */
export interface Lease {
  readonly agentId: bigint
  readonly bindingId: Hex
  readonly endpoint: string
  readonly endpointVersion: number
  readonly verdict: VerifiedVerdict
  readonly report: Report
  readonly expiresAt: Date
}

const LEASE_MS = 10 * 60_000

/** A lease from now on; it outlives neither the keyset nor the chain's record of the binding. */
export function leaseOf(
  { agentId, endpoint, endpointVersion }: ProviderState,
  { report, verdict, bindingValidUntil }: Extract<Admission, { outcome: 'admitted' }>,
  at: Date,
): Lease {
  const { bindingId, keyset } = verdict.claims
  const end = Math.min(
    at.getTime() + LEASE_MS,
    keyset.not_after * 1000,
    Number(bindingValidUntil) * 1000,
  )
  const expiresAt = new Date(end)
  return { agentId, bindingId, endpoint, endpointVersion, verdict, report, expiresAt }
}
