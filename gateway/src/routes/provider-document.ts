import type { Check } from '@jeju/verifier'
import { sessionIdOf, type Lease } from '../admission/lease.ts'
import type { Judgement } from '../admission/leases.ts'
import type { ProviderRecord } from '../admission/track-record.ts'
import type { ProviderState, Registration } from '../chain/gateway-chain.ts'

/** One provider of `GET /v1/providers`: what the chain says, what we judged, and until when it may be routed to. */
export interface ProviderDocument {
  readonly agentId: string
  readonly owner: string
  readonly endpoint: string
  readonly active: boolean
  /** Wei. */
  readonly stake: string
  readonly admitted: boolean
  readonly services: readonly {
    readonly serviceId: number
    readonly modelId: string
    readonly model: string
    readonly priceVersion: number
    readonly inPerMTok: string
    readonly outPerMTok: string
    readonly maxOutputTokens: number
  }[]
  readonly lease: {
    readonly bindingId: string
    readonly tier: string
    readonly sessionId: string
    readonly expiresAt: string
  } | null
  readonly judgement: {
    readonly at: string
    readonly outcome: 'admitted' | 'refused' | 'unjudged'
    readonly reasons: readonly string[]
    readonly checks: readonly Check[]
  } | null
  /** What it says of itself, or why its registration file is not taken for one; null before it was read. */
  readonly registration: Registration | null
  /** How judgements went since this gateway runs. */
  readonly record: ProviderRecord
}

/** Integers beyond 2^53 are decimal strings. */
export function describeProvider(
  provider: ProviderState,
  lease: Lease | undefined,
  judgement: Judgement | undefined,
  record: ProviderRecord,
  registration: Registration | undefined,
): ProviderDocument {
  return {
    agentId: provider.agentId.toString(),
    owner: provider.owner,
    endpoint: provider.endpoint,
    active: provider.active,
    stake: provider.stake.toString(),
    admitted: lease !== undefined,
    services: provider.services.map(({ serviceId, modelId, modelName, price }) => ({
      serviceId,
      modelId,
      model: modelName,
      priceVersion: price.version,
      inPerMTok: price.inPerMTok.toString(),
      outPerMTok: price.outPerMTok.toString(),
      maxOutputTokens: price.maxOutputTokens,
    })),
    lease:
      lease === undefined
        ? null
        : {
            bindingId: lease.bindingId,
            tier: lease.tier,
            sessionId: sessionIdOf(lease),
            expiresAt: lease.expiresAt.toISOString(),
          },
    judgement: judgement === undefined ? null : describeJudgement(judgement),
    registration: registration ?? null,
    record,
  }
}

function describeJudgement({
  at,
  admission,
}: Judgement): NonNullable<ProviderDocument['judgement']> {
  const { outcome } = admission
  const common = { at: at.toISOString(), outcome }
  switch (outcome) {
    case 'admitted':
      return { ...common, reasons: [], checks: admission.report.checks }
    case 'refused':
      return { ...common, reasons: admission.reasons, checks: admission.report.checks }
    case 'unjudged':
      return { ...common, reasons: [admission.reason], checks: [] }
  }
}
