import type { Hex } from '@jeju/verifier/protocol'
import type { ProviderState } from '../chain/gateway-chain.ts'
import type { ProviderDirectory } from '../discovery/provider-directory.ts'
import type { Logger } from '../logging.ts'
import { admit, type Admission, type AdmissionParts } from './admit.ts'
import { leaseOf, type Lease } from './lease.ts'

/** The latest judgement of a provider, for display. */
export interface Judgement {
  readonly at: Date
  readonly admission: Admission
}

/** Which providers may be routed to now. */
export interface Leases {
  /** Ends leases whose binding the chain no longer calls valid; waits for no provider. Follows each refresh. */
  dropRevoked(): Promise<void>
  /** Verifies whoever needs it; takes as long as the slowest of them. May be called while an earlier call runs. */
  judge(): Promise<void>
  /** A lease that is valid at this moment. */
  byBinding(bindingId: Hex): Lease | undefined
  /** Valid leases. */
  current(): readonly Lease[]
  judgementOf(agentId: bigint): Judgement | undefined
  /** Ends a lease, because its node cannot be reached; it is judged again at the next update. */
  end(bindingId: Hex): void
}

/** A lease is renewed when less than this is left, while it still holds. */
const RENEW_BEFORE_MS = 3 * 60_000
/** A provider that was admitted is not judged again before this, however short its lease is. */
const RENEWAL_PAUSE_MS = 30_000
/** A provider that was refused or not reached is judged again after this, doubled each time. */
const RETRY_MS = 2_000
const MAX_RETRY_MS = 5 * 60_000
const PARALLEL_ADMISSIONS = 4
const PARALLEL_READS = 8

interface Entry {
  lease?: Lease
  judgement?: Judgement
  failures: number
  retryAt: number
  /** What was judged: a change on chain is a reason to judge again at once. */
  seen?: string
}

/** Leases over the directory's providers. While the chain was not read for `maxChainAgeMs`, none is valid. */
export function createLeases(
  directory: ProviderDirectory,
  parts: AdmissionParts & { readonly maxChainAgeMs: number },
  logger: Logger,
): Leases {
  const entries = new Map<bigint, Entry>()
  const underWay = new Set<bigint>()
  let workers = 0
  let chainReadAt = Number.NEGATIVE_INFINITY
  const nowMs = (): number => parts.now().getTime()

  const entryOf = (agentId: bigint): Entry => {
    const entry = entries.get(agentId) ?? { failures: 0, retryAt: 0 }
    entries.set(agentId, entry)
    return entry
  }
  const isCurrent = (lease: Lease | undefined): lease is Lease => {
    if (lease === undefined || lease.expiresAt.getTime() <= nowMs()) return false
    // What the chain said long ago says nothing about a revocation since (attack F3).
    if (nowMs() - chainReadAt > parts.maxChainAgeMs) return false
    const provider = directory.provider(lease.agentId)
    return provider?.active === true && provider.endpointVersion === lease.endpointVersion
  }
  const needsJudging = (provider: ProviderState, entry: Entry): boolean => {
    if (!provider.active) return false
    if (entry.seen !== seenOf(provider)) return true
    if (entry.retryAt > nowMs()) return false
    return !isCurrent(entry.lease) || entry.lease.expiresAt.getTime() - nowMs() < RENEW_BEFORE_MS
  }
  /** Renewals come before newcomers, and newcomers before those who failed: no crowd takes all places. */
  const mostUrgent = (): ProviderState | undefined => {
    const rank = ({ agentId }: ProviderState): number => {
      const { lease, failures } = entryOf(agentId)
      return isCurrent(lease) ? -1 : failures
    }
    return directory
      .providers()
      .filter((provider) => !underWay.has(provider.agentId))
      .filter((provider) => needsJudging(provider, entryOf(provider.agentId)))
      .toSorted((a, b) => rank(a) - rank(b))[0]
  }
  const judgeOne = async (provider: ProviderState): Promise<void> => {
    const entry = entryOf(provider.agentId)
    underWay.add(provider.agentId)
    const admission = await admit(provider, parts)
    underWay.delete(provider.agentId)
    const at = parts.now()
    entry.seen = seenOf(provider)
    entry.judgement = { at, admission }
    if (admission.outcome === 'admitted') {
      entry.lease = leaseOf(provider, admission, at)
      entry.failures = 0
      entry.retryAt = at.getTime() + RENEWAL_PAUSE_MS
    } else {
      // Not reached is no proof of anything: a lease in force holds until its own end. A refusal ends it.
      if (admission.outcome === 'refused') delete entry.lease
      entry.retryAt = at.getTime() + Math.min(RETRY_MS * 2 ** entry.failures, MAX_RETRY_MS)
      entry.failures++
    }
    logJudgement(logger, provider, admission)
  }
  const judgeWhileDue = async (): Promise<void> => {
    for (let next = mostUrgent(); next !== undefined; next = mostUrgent()) await judgeOne(next)
  }
  /** Revocation ends a lease at once, whatever its date (attack F3). */
  const dropIfRevoked = async (entry: Entry): Promise<void> => {
    const { lease } = entry
    if (lease === undefined) return
    const { valid } = await parts.chain.binding(lease.bindingId)
    // The lease may have been renewed meanwhile.
    if (valid || entry.lease?.bindingId !== lease.bindingId) return
    delete entry.lease
    entry.retryAt = 0
  }

  return {
    dropRevoked: async () => {
      const startedAt = nowMs()
      const held = [...entries.values()]
      for (let at = 0; at < held.length; at += PARALLEL_READS) {
        await Promise.all(held.slice(at, at + PARALLEL_READS).map(dropIfRevoked))
      }
      chainReadAt = startedAt
    },
    judge: async () => {
      const started: Promise<void>[] = []
      for (; workers < PARALLEL_ADMISSIONS; workers++) {
        started.push(judgeWhileDue().finally(() => workers--))
      }
      await Promise.all(started)
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
