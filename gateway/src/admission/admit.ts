import { objectionToGpus } from '@jeju/contracts'
import {
  collateralRequestOf,
  platformOf,
  verifyEvidence,
  type AppraisalPolicy,
  type CollateralSource,
  type GpuTrust,
  type QuoteVerifier,
  type Report,
  type VerifiedVerdict,
} from '@jeju/verifier'
import type { ContractDomain, Hex } from '@jeju/verifier/protocol'
import type { BindingState, GatewayChain, ProviderState } from '../chain/gateway-chain.ts'
import { fetchEvidence } from './fetch-evidence.ts'
import type { DrawnNonce, NonceSource } from './nonce-source.ts'
import type { ProviderConnection } from './provider-connection.ts'

/** Why a provider is not admitted: evidence refused, or something that kept it from being judged. */
export type Admission =
  | {
      readonly outcome: 'admitted'
      readonly report: Report
      readonly verdict: VerifiedVerdict
      /** Unix seconds until which the chain's record of the binding holds. */
      readonly bindingValidUntil: bigint
      /** The very bytes that were judged. */
      readonly evidence: Uint8Array<ArrayBuffer>
      /** PPID of the machine, hex. */
      readonly platform: string
      /** Whether there are GPUs, and the chain has nothing against counting them (attack D7). */
      readonly countsGpus: boolean
    }
  | { readonly outcome: 'refused'; readonly report: Report; readonly reasons: readonly string[] }
  | { readonly outcome: 'unjudged'; readonly reason: string }

/** Collaborators of {@link admit}. */
export interface AdmissionParts {
  readonly connection: ProviderConnection
  readonly nonces: NonceSource
  readonly chain: GatewayChain
  /** Where Intel's word on a provider's platform comes from; never from the provider (attack B4). */
  readonly collateral: CollateralSource
  readonly policy: AppraisalPolicy
  /** Kept between admissions: a platform that comes again costs one signature. */
  readonly quoteVerifier: QuoteVerifier
  /** Undefined where the policy takes no GPUs: then a node that has one is not verified. */
  readonly gpu?: GpuTrust | undefined
  readonly registry: ContractDomain
  readonly now: () => Date
}

/**
 * Asks a provider for evidence over a nonce of our own, and judges it. Never throws.
 * @param drawn the nonce; when it was drawn is when the lease begins
 */
export async function admit(
  provider: ProviderState,
  drawn: DrawnNonce,
  parts: AdmissionParts,
): Promise<Admission> {
  try {
    const evidence = await fetchEvidence(parts.connection, provider.endpoint, drawn.nonce)
    return await judgeEvidence(provider, { evidence, nonce: drawn.nonce }, parts)
  } catch (error) {
    return { outcome: 'unjudged', reason: describe(error) }
  }
}

/**
 * Judges evidence over a nonce by our own policy, as of the agent and operator the chain names, wherever it was fetched.
 * The registry's record of the binding is required as well, but replaces nothing (attack R17). Never throws.
 */
export async function judgeEvidence(
  provider: ProviderState,
  { evidence, nonce }: { readonly evidence: Uint8Array<ArrayBuffer>; readonly nonce: Hex },
  parts: AdmissionParts,
): Promise<Admission> {
  try {
    const collateral = await parts.collateral.collateralFor(collateralRequestOf(evidence))
    const gpu = await parts.gpu?.judgementFor(evidence)
    const report = await verifyEvidence(evidence, {
      at: parts.now(),
      trustAnchor: parts.quoteVerifier.trustAnchor,
      quoteVerifier: parts.quoteVerifier,
      collateral,
      policy: parts.policy,
      ...(gpu === undefined ? {} : { gpu }),
      registry: parts.registry,
      freshness: { kind: 'challenge', nonce },
      expected: { agentId: provider.agentId, operator: provider.owner },
    })
    const { verdict } = report
    if (verdict.outcome === 'refused') {
      const reasons = verdict.reasons.map(({ check, text }) => `${check}: ${text}`)
      return { outcome: 'refused', report, reasons }
    }
    const binding = await parts.chain.binding(verdict.claims.bindingId)
    if (!binding.valid || binding.agentId !== provider.agentId) {
      const reason = 'registry: the binding is not valid on chain'
      return { outcome: 'refused', report, reasons: [reason] }
    }
    const { validUntil: bindingValidUntil } = binding
    const objection = objectionToLeaseGpus(verdict, binding)
    if (objection !== undefined && requiresGpu(parts.policy)) {
      return { outcome: 'refused', report, reasons: [objection] }
    }
    const countsGpus = verdict.claims.gpu !== undefined && objection === undefined
    const platform = platformOf(evidence).ppid
    const judged = { report, verdict, bindingValidUntil, evidence, platform, countsGpus }
    return { outcome: 'admitted', ...judged }
  } catch (error) {
    return { outcome: 'unjudged', reason: describe(error) }
  }
}

/**
 * What the chain has against counting the GPUs of verified evidence, with its code; undefined where it has nothing, or
 * there are none.
 */
export function objectionToLeaseGpus(
  { claims, tier }: VerifiedVerdict,
  binding: BindingState,
): string | undefined {
  const objection = claims.gpu && objectionToGpus(binding, tier)
  if (objection === undefined) return undefined
  return `gpu-on-chain: GPU_NOT_HELD: expected ${objection.expected}, got ${objection.actual}`
}

function requiresGpu({ gpu }: AppraisalPolicy): boolean {
  return gpu !== 'forbidden' && gpu.presence === 'required'
}

/** A node whose evidence holds and that is not taken all the same. */
export function refuse(
  { report }: Extract<Admission, { readonly outcome: 'admitted' }>,
  reason: string,
): Extract<Admission, { readonly outcome: 'refused' }> {
  return { outcome: 'refused', report, reasons: [reason] }
}

/** Code or name only: a provider writes what an error's text may quote. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'failed'
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
