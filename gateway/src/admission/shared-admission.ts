import type { ProviderState } from '../chain/gateway-chain.ts'
import type { SharedState } from '../state/shared-state.ts'
import { judgeEvidence, type Admission, type AdmissionParts } from './admit.ts'
import { LEASE_MS } from './lease.ts'

/** Evidence of another replica, judged here. */
interface SharedAdmission {
  readonly at: Date
  readonly admission: Admission
}

/** What is over so soon is not worth a judgement. */
const MIN_LEFT_MS = 4 * 60_000

/**
 * Takes what another replica was answered, if it is younger than what is held. A shared store is believed in nothing:
 * the same evidence is judged again by this replica's own policy, roots, collateral and reading of the chain, over the
 * nonce that only a holder of the replicas' secret can have drawn for that time. A MAC over a verdict would make every
 * replica believe whatever one of them does, or whoever got its secret; this way a leaked secret lets a node show old
 * evidence of its own, and nothing more. What does not hold here is nobody's refusal: the provider is asked itself.
 */
export async function findShared(
  provider: ProviderState,
  startedAt: Date | undefined,
  parts: AdmissionParts & { readonly shared: Pick<SharedState, 'evidence'> },
): Promise<SharedAdmission | undefined> {
  const found = await parts.shared.evidence.find(provider.agentId)
  if (found === undefined) return undefined
  const { askedAtMs, salt, evidence } = found
  const nowMs = parts.now().getTime()
  // A clock that is ahead would make a lease longer.
  if (askedAtMs > nowMs || askedAtMs + LEASE_MS - nowMs < MIN_LEFT_MS) return undefined
  if (startedAt !== undefined && askedAtMs <= startedAt.getTime()) return undefined
  const nonce = parts.nonces.of(provider, askedAtMs, salt)
  const admission = await judgeEvidence(provider, { evidence, nonce }, parts)
  if (admission.outcome !== 'admitted') return undefined
  return { at: new Date(askedAtMs), admission }
}
