import type { Hex } from '@jeju/verifier/protocol'
import type { BindingState, ProviderState } from '../chain/gateway-chain.ts'
import type { ProviderDirectory } from '../discovery/provider-directory.ts'
import type { Logger } from '../logging.ts'
import type { SharedState } from '../state/shared-state.ts'
import type { GatewayStore } from '../store/gateway-store.ts'
import {
  admit,
  objectionToLeaseGpus,
  refuse,
  type Admission,
  type AdmissionParts,
} from './admit.ts'
import { createDistrusted } from './distrusted.ts'
import { leaseOf, sessionIdOf, type Lease } from './lease.ts'
import { findShared } from './shared-admission.ts'
import type { Judged } from './track-record.ts'
import { nextTurn, type Waiting } from './turns.ts'

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
  /** A node answers under a lease: its session is kept as long as a receipt may cite it. */
  cite(lease: Lease): void
  /** Ends a lease, because its node cannot be reached; it is judged again at the next update. */
  end(bindingId: Hex): void
  /** Ends a lease whose node gave a wrong answer; the binding is not admitted again until `until`. */
  distrust(bindingId: Hex, until: Date): void
}

/** What {@link createLeases} needs beside the directory. */
export interface LeaseParts extends AdmissionParts {
  readonly maxChainAgeMs: number
  readonly store: Pick<GatewayStore, 'sessions' | 'distrusted'>
  readonly shared: Pick<SharedState, 'evidence' | 'distrusted'>
  /** Leases that one machine may have at once (attack F8). */
  readonly maxPerPlatform: number
  /** Told of every judgement. */
  readonly onJudgement?: (judged: Judged) => void
}

/** A lease is renewed when less than this is left, while it still holds. */
const RENEW_BEFORE_MS = 3 * 60_000
/** And up to so much earlier, so that of several replicas one asks and the others find what it was answered. */
const RENEW_SPREAD_MS = 45_000
/** A provider that was admitted is not judged again before this, however short its lease is. */
const RENEWAL_PAUSE_MS = 30_000
/** A provider that was refused or not reached is judged again after this, doubled each time. */
const RETRY_MS = 2_000
const MAX_RETRY_MS = 5 * 60_000
/** A session outlives the last receipt that could cite it: answer, settlement and dispute (attack F19). */
const CITED_RETENTION_MS = 7 * 24 * 3600_000
/** One under which nobody was answered is cited by nothing, and each has the whole evidence (attack F16). */
const UNCITED_RETENTION_MS = 3600_000

interface Entry {
  lease?: Lease
  /** When the chain said last that the lease's binding is valid, Unix milliseconds. */
  boundAt: number
  judgement?: Judgement
  failures: number
  retryAt: number
  /** Less than this is left of a lease when it is renewed. */
  renewBefore: number
  /** What was judged: a change on chain is a reason to judge again at once. */
  seen?: string
}

/** A provider whose evidence is due. */
interface Turn extends Waiting {
  readonly provider: ProviderState
}

/** Leases over the directory's providers. While the chain was not read for `maxChainAgeMs`, none is valid. */
export function createLeases(
  directory: ProviderDirectory,
  parts: LeaseParts,
  logger: Logger,
): Leases {
  const entries = new Map<bigint, Entry>()
  const byBinding = new Map<Hex, Entry>()
  /** Whose evidence is asked for or judged, as they were when it began. */
  const underWay = new Map<bigint, Waiting>()
  const cited = new WeakSet<Lease>()
  const distrusted = createDistrusted(parts)
  let chainReadAt = Number.NEGATIVE_INFINITY
  const nowMs = (): number => parts.now().getTime()

  const entryOf = (agentId: bigint): Entry => {
    const renewBefore = RENEW_BEFORE_MS
    const entry = entries.get(agentId) ?? { boundAt: 0, failures: 0, retryAt: 0, renewBefore }
    entries.set(agentId, entry)
    return entry
  }
  const take = (entry: Entry, lease: Lease, boundAt: number): void => {
    drop(entry)
    entry.lease = lease
    entry.boundAt = boundAt
    entry.renewBefore = RENEW_BEFORE_MS + Math.random() * RENEW_SPREAD_MS
    byBinding.set(lease.bindingId, entry)
    const { document, expiresAtMs } = lease.session
    parts.store.sessions.put(sessionIdOf(lease), document, expiresAtMs + UNCITED_RETENTION_MS)
  }
  const drop = (entry: Entry): void => {
    if (entry.lease !== undefined) byBinding.delete(entry.lease.bindingId)
    delete entry.lease
  }
  const isCurrent = (lease: Lease | undefined): lease is Lease => {
    const now = nowMs()
    if (lease === undefined || lease.expiresAt.getTime() <= now) return false
    // What the chain said long ago says nothing about a revocation since (attack F3).
    if (now - chainReadAt > parts.maxChainAgeMs) return false
    const { boundAt } = byBinding.get(lease.bindingId) ?? { boundAt: 0 }
    if (now - boundAt > parts.maxChainAgeMs) return false
    const provider = directory.provider(lease.agentId)
    if (provider?.active !== true || provider.endpointVersion !== lease.endpointVersion)
      return false
    // Less at stake than when it was judged: a slash, or a provider on its way out.
    return provider.stake >= lease.stake
  }
  const current = (): readonly Lease[] =>
    [...entries.values()].map(({ lease }) => lease).filter(isCurrent)
  const needsJudging = (provider: ProviderState, entry: Entry): boolean => {
    if (!provider.active) return false
    if (entry.seen !== seenOf(provider)) return true
    if (entry.retryAt > nowMs()) return false
    return !isCurrent(entry.lease) || entry.lease.expiresAt.getTime() - nowMs() < entry.renewBefore
  }
  const waitingAs = (provider: ProviderState): Turn => {
    const { agentId, owner, stake } = provider
    const { lease, failures } = entryOf(agentId)
    const leaseEndsAtMs = isCurrent(lease) ? lease.expiresAt.getTime() : undefined
    return { agentId, owner, stake, failures, leaseEndsAtMs, provider }
  }
  const nextDue = (): Turn | undefined => {
    const due = directory
      .providers()
      .filter((provider) => !underWay.has(provider.agentId))
      .filter((provider) => needsJudging(provider, entryOf(provider.agentId)))
    return nextTurn(due.map(waitingAs), [...underWay.values()])
  }
  /** Why a node with good evidence is not taken, or nothing. */
  const objectionTo = (lease: Lease): string | undefined => {
    const until = distrusted.untilOf(lease.bindingId)
    if (until > nowMs()) {
      return `distrusted: a wrong answer; not before ${new Date(until).toISOString()}`
    }
    const others = current().filter(({ agentId }) => agentId !== lease.agentId)
    const twice = lease.devices.find((device) => others.some((o) => o.devices.includes(device)))
    if (twice !== undefined) return `duplicate-gpu: ${twice} stands behind another lease`
    const same = others.filter(({ platform }) => platform === lease.platform).length
    if (same < parts.maxPerPlatform) return undefined
    return `duplicate-platform: ${same} leases of this machine, at most ${parts.maxPerPlatform}`
  }
  /** What another replica was answered, judged again; or else the provider's own answer. */
  const judged = async (provider: ProviderState, { lease }: Entry): Promise<Judgement> => {
    const found = await findShared(provider, lease?.startedAt, parts).catch(() => undefined)
    if (found !== undefined) return found
    const began = performance.now()
    const drawn = parts.nonces.draw(provider, parts.now())
    const admission = await admit(provider, drawn, parts)
    const ms = performance.now() - began
    if (admission.outcome === 'admitted') {
      const { salt, askedAtMs } = drawn
      const { evidence } = admission
      parts.shared.evidence
        .publish({ agentId: provider.agentId, askedAtMs, salt, evidence })
        .catch(() => undefined)
    }
    parts.onJudgement?.({ agentId: provider.agentId, outcome: admission.outcome, ms })
    return { at: new Date(drawn.askedAtMs), admission }
  }
  const judgeOne = async (provider: ProviderState): Promise<void> => {
    const startedAt = nowMs()
    const entry = entryOf(provider.agentId)
    const { at: askedAt, admission: judgement } = await judged(provider, entry)
    const at = parts.now()
    const lease =
      judgement.outcome === 'admitted' ? leaseOf(provider, judgement, askedAt) : undefined
    const objection = lease === undefined ? undefined : objectionTo(lease)
    const admission =
      judgement.outcome === 'admitted' && objection !== undefined
        ? refuse(judgement, objection)
        : judgement
    entry.seen = seenOf(provider)
    entry.judgement = { at, admission: withoutEvidence(admission) }
    if (lease !== undefined && objection === undefined) {
      take(entry, lease, startedAt)
      entry.failures = 0
      entry.retryAt = at.getTime() + RENEWAL_PAUSE_MS
    } else {
      // Not reached is no proof of anything: a lease in force holds until its own end. A refusal ends it.
      if (admission.outcome === 'refused') drop(entry)
      entry.retryAt = at.getTime() + Math.min(RETRY_MS * 2 ** entry.failures, MAX_RETRY_MS)
      entry.failures++
    }
    logJudgement(logger, provider, admission)
  }
  /** A place, held by one after the other until it is nobody's turn. */
  const judgeInTurn = async (first: Turn): Promise<void> => {
    for (let turn: Turn | undefined = first; turn !== undefined; turn = nextDue()) {
      underWay.set(turn.agentId, turn)
      await judgeOne(turn.provider).finally(() => underWay.delete(turn.agentId))
    }
  }
  /** Revocation ends a lease at once, whatever its date (attack F3). */
  const dropIfRevoked = (entry: Entry, binding: BindingState, readAt: number): void => {
    if (entry.lease === undefined) return
    if (!binding.valid) {
      drop(entry)
      entry.retryAt = 0
      return
    }
    entry.boundAt = Math.max(entry.boundAt, readAt)
    if (entry.lease.verdict.claims.gpu === undefined) return
    const counted = objectionToLeaseGpus(entry.lease.verdict, binding) === undefined
    if (counted === entry.lease.countsGpus) return
    // Its GPUs went to another binding, or came to this one: it is judged again, and holds no lease as more than it is.
    // For more than it has, it waits its turn like anybody else.
    if (counted && entry.retryAt > nowMs()) return
    if (!counted) drop(entry)
    delete entry.seen
    entry.retryAt = 0
  }

  /** What any replica found wrong. */
  const learnDistrusted = async (): Promise<void> => {
    await distrusted.learn()
    for (const bindingId of byBinding.keys()) {
      const untilMs = distrusted.untilOf(bindingId)
      if (untilMs > nowMs()) distrust(bindingId, untilMs)
    }
  }
  const distrust = (bindingId: Hex, untilMs: number): void => {
    distrusted.keep(bindingId, untilMs)
    const entry = byBinding.get(bindingId)
    if (entry === undefined) return
    drop(entry)
    entry.retryAt = untilMs
  }

  return {
    dropRevoked: async () => {
      const startedAt = nowMs()
      await learnDistrusted()
      const held = [...byBinding]
      const states = await parts.chain.readBindings(held.map(([bindingId]) => bindingId))
      for (const [index, [bindingId, entry]] of held.entries()) {
        const state = states[index]
        // The lease may be of another binding by now.
        if (state === undefined || byBinding.get(bindingId) !== entry) continue
        dropIfRevoked(entry, state, startedAt)
      }
      const unread = states.filter((state) => state === undefined).length
      if (unread > 0) logger.warn({ unread }, 'bindings could not be read')
      chainReadAt = startedAt
    },
    judge: async () => {
      const started: Promise<void>[] = []
      for (let turn = nextDue(); turn !== undefined; turn = nextDue()) {
        started.push(judgeInTurn(turn))
      }
      await Promise.all(started)
    },
    byBinding: (bindingId) => {
      const lease = byBinding.get(bindingId)?.lease
      return lease?.bindingId === bindingId && isCurrent(lease) ? lease : undefined
    },
    current,
    cite: (lease) => {
      if (cited.has(lease)) return
      cited.add(lease)
      parts.store.sessions.keep(sessionIdOf(lease), lease.session.expiresAtMs + CITED_RETENTION_MS)
    },
    judgementOf: (agentId) => entries.get(agentId)?.judgement,
    end: (bindingId) => {
      const entry = byBinding.get(bindingId)
      if (entry === undefined) return
      drop(entry)
      entry.retryAt = nowMs() + RETRY_MS
    },
    distrust: (bindingId, until) => {
      distrust(bindingId, until.getTime())
      parts.shared.distrusted.put(bindingId, until.getTime()).catch(() => {
        logger.warn({ bindingId }, 'other replicas do not know that it is not believed')
      })
    },
  }
}

/** A thousand bundles of two megabytes are not kept for display. */
function withoutEvidence(admission: Admission): Admission {
  return admission.outcome === 'admitted'
    ? { ...admission, evidence: new Uint8Array(0) }
    : admission
}

function seenOf({ endpoint, endpointVersion, owner, stake }: ProviderState): string {
  return `${endpointVersion} ${owner} ${stake} ${endpoint}`
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
