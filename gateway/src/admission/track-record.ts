import type { Admission } from './admit.ts'

/** One judgement of a provider. */
export interface Judged {
  readonly agentId: bigint
  readonly outcome: Admission['outcome']
  /** From the question to the verdict, in milliseconds. */
  readonly ms: number
}

/** How judgements of one provider went, since this gateway runs. */
export interface ProviderRecord {
  readonly judgements: number
  readonly admitted: number
  /** The latest that came to a verdict on evidence, the oldest first, in milliseconds. */
  readonly judgementMs: readonly number[]
}

/** What is remembered of all providers' judgements, for display: nothing is routed by it. */
export interface TrackRecord {
  add(judged: Judged): void
  of(agentId: bigint): ProviderRecord
}

const MAX_SAMPLES = 100

/** A record in memory; there are no more entries than the directory follows providers. */
export function createTrackRecord(): TrackRecord {
  const records = new Map<bigint, ProviderRecord>()
  const none: ProviderRecord = { judgements: 0, admitted: 0, judgementMs: [] }
  const of = (agentId: bigint): ProviderRecord => records.get(agentId) ?? none
  return {
    of,
    add: ({ agentId, outcome, ms }) => {
      const { judgements, admitted, judgementMs } = of(agentId)
      const samples = outcome === 'unjudged' ? judgementMs : [...judgementMs, Math.round(ms)]
      records.set(agentId, {
        judgements: judgements + 1,
        admitted: admitted + (outcome === 'admitted' ? 1 : 0),
        judgementMs: samples.slice(-MAX_SAMPLES),
      })
    },
  }
}
