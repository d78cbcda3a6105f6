import type { Report, VerifiedVerdict } from '@jeju/verifier'
import type { Hex } from '@jeju/verifier/protocol'
import type { GatewayChain, ProviderState } from '../chain/gateway-chain.ts'
import type { ProviderDirectory } from '../discovery/provider-directory.ts'
import type { Logger } from '../logging.ts'
import { admit, type Admission, type AdmissionParts } from './admit.ts'

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

/** The latest judgement of a provider, for display. */
export interface Judgement {
  readonly at: Date
  readonly admission: Admission
}

/** Which providers may be routed to now. */
export interface Leases {
  /** Ends leases whose binding the chain no longer calls valid; waits for no provider. */
  dropRevoked(): Promise<void>
  /** Verifies whoever needs it; takes as long as the slowest of them. */
  judge(): Promise<void>
  /** A lease that is valid at this moment. */
  byBinding(bindingId: Hex): Lease | undefined
  /** Valid leases. */
  current(): readonly Lease[]
  judgementOf(agentId: bigint): Judgement | undefined
  /** Ends a lease, because its node cannot be reached; it is judged again at the next update. */
  end(bindingId: Hex): void
}

const LEASE_MS = 10 * 60_000
/** A lease is renewed when less than this is left, while it still holds. */
const RENEW_BEFORE_MS = 3 * 60_000
/** A provider that was refused or not reached is judged again after this, doubled each time. */
const RETRY_MS = 2_000
const MAX_RETRY_MS = 5 * 60_000
const PARALLEL_ADMISSIONS = 4

interface Entry {
  lease?: Lease
  judgement?: Judgement
  failures: number
  retryAt: number
  /** What was judged: a change on chain is a reason to judge again at once. */
  seen?: string
}

/** Leases over the directory's providers. */
export function createLeases(
  directory: ProviderDirectory,
  parts: AdmissionParts & { readonly chain: GatewayChain },
  logger: Logger,
): Leases {
  const entries = new Map<bigint, Entry>()
  const nowMs = (): number => parts.now().getTime()

  const isCurrent = (lease: Lease | undefined): lease is Lease => {
    if (lease === undefined || lease.expiresAt.getTime() <= nowMs()) return false
    const provider = directory.provider(lease.agentId)
    return provider?.active === true && provider.endpointVersion === lease.endpointVersion
  }
  const needsJudging = (provider: ProviderState, entry: Entry): boolean => {
    if (!provider.active) return false
    if (entry.seen !== seenOf(provider)) return true
    if (entry.retryAt > nowMs()) return false
    return !isCurrent(entry.lease) || entry.lease.expiresAt.getTime() - nowMs() < RENEW_BEFORE_MS
  }
  const judgeOne = async (provider: ProviderState, entry: Entry): Promise<void> => {
    const admission = await admit(provider, parts)
    const at = parts.now()
    entry.seen = seenOf(provider)
    entry.judgement = { at, admission }
    if (admission.outcome === 'admitted') {
      entry.lease = leaseOf(provider, admission, at)
      entry.failures = 0
      entry.retryAt = 0
    } else {
      // Not reached is no proof of anything: a lease in force holds until its own end. A refusal ends it.
      if (admission.outcome === 'refused') delete entry.lease
      entry.retryAt = at.getTime() + Math.min(RETRY_MS * 2 ** entry.failures, MAX_RETRY_MS)
      entry.failures++
    }
    logJudgement(logger, provider, admission)
  }
  /** Revocation ends a lease at once, whatever its date (attack F3). */
  const dropIfRevoked = async (entry: Entry): Promise<void> => {
    const { lease } = entry
    if (lease === undefined) return
    const { valid } = await parts.chain.binding(lease.bindingId)
    // The lease may have been renewed meanwhile.
    if (!valid && entry.lease?.bindingId === lease.bindingId) delete entry.lease
  }

  return {
    dropRevoked: async () => {
      for (const entry of entries.values()) await dropIfRevoked(entry)
    },
    judge: async () => {
      const due: (readonly [ProviderState, Entry])[] = []
      for (const provider of directory.providers()) {
        const entry = entries.get(provider.agentId) ?? { failures: 0, retryAt: 0 }
        entries.set(provider.agentId, entry)
        if (needsJudging(provider, entry)) due.push([provider, entry])
      }
      for (let at = 0; at < due.length; at += PARALLEL_ADMISSIONS) {
        const part = due.slice(at, at + PARALLEL_ADMISSIONS)
        await Promise.all(part.map(([provider, entry]) => judgeOne(provider, entry)))
      }
    },
    byBinding: (bindingId) =>
      [...entries.values()]
        .map(({ lease }) => lease)
        .find((lease) => lease?.bindingId === bindingId && isCurrent(lease)),
    current: () => [...entries.values()].map(({ lease }) => lease).filter(isCurrent),
    judgementOf: (agentId) => entries.get(agentId)?.judgement,
    end: (bindingId) => {
      for (const entry of entries.values()) {
        if (entry.lease?.bindingId !== bindingId) continue
        delete entry.lease
        entry.retryAt = nowMs() + RETRY_MS
      }
    },
  }
}

function seenOf({ endpoint, endpointVersion, owner }: ProviderState): string {
  return `${endpointVersion} ${owner} ${endpoint}`
}

function leaseOf(
  provider: ProviderState,
  { report, verdict, bindingValidUntil }: Extract<Admission, { outcome: 'admitted' }>,
  at: Date,
): Lease {
  const { bindingId, keyset } = verdict.claims
  const end = Math.min(
    at.getTime() + LEASE_MS,
    keyset.not_after * 1000,
    Number(bindingValidUntil) * 1000,
  )
  const { agentId, endpoint, endpointVersion } = provider
  return {
    agentId,
    bindingId,
    endpoint,
    endpointVersion,
    verdict,
    report,
    expiresAt: new Date(end),
  }
}

function logJudgement(logger: Logger, { agentId }: ProviderState, admission: Admission): void {
  const line = { agentId: agentId.toString() }
  switch (admission.outcome) {
    case 'admitted':
      logger.info({ ...line, bindingId: admission.verdict.claims.bindingId }, 'admitted')
      break
    case 'refused':
      logger.warn({ ...line, reasons: admission.reasons }, 'refused')
      break
    case 'unjudged':
      logger.warn({ ...line, reason: admission.reason }, 'not judged')
      break
  }
}
