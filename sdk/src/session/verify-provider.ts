import type {
  AppraisalPolicy,
  Check,
  CollateralSource,
  GpuTrust,
  NodeClaims,
  TrustAnchor,
} from '@jeju/verifier'
import {
  modelIdOf,
  randomBytes32,
  toHex,
  type ContractDomain,
  type Hex,
  type WeightsState,
} from '@jeju/verifier/protocol'
import { sealingKeyOf } from '@jeju/verifier/sealing'
import type { ChainReader } from '../chain/chain-reader.ts'
import { failuresOf } from '../errors/not-verified.ts'
import { SdkError } from '../errors/sdk-error.ts'
import type { Candidate } from './candidates.ts'
import { checkOnChain } from './check-on-chain.ts'
import { judgeEvidence, type JudgedEvidence } from './judge-evidence.ts'

/** What the caller accepts; nothing of it comes from gateway, node or chain. */
interface Trust {
  readonly trustAnchor: TrustAnchor
  readonly policy: AppraisalPolicy
  readonly gpu: GpuTrust | undefined
  readonly acceptWeights: readonly WeightsState[]
  /** Refuse who offers no key that prompts can be sealed to. */
  readonly sealing: 'required' | 'if-offered'
}

/** How a provider is verified: evidence from anywhere, chain reads from the caller's RPC. */
export interface ProviderVerification {
  readonly trust: Trust
  readonly registry: ContractDomain
  readonly chain: ChainReader
  /** Intel's word on a platform; signed, so it may come from anywhere. */
  readonly collateral: CollateralSource
  readonly now: () => Date
  /** Of the agent's node with this binding, where one is named. */
  evidence(agentId: bigint, nonce: Hex, bindingId?: Hex): Promise<Uint8Array>
}

/** Evidence that holds, with what the chain says of it; or why the provider is refused. */
export type JudgedProvider =
  | (Extract<JudgedEvidence, { readonly outcome: 'verified' }> & {
      readonly onChain: readonly Check[]
    })
  | Extract<JudgedEvidence, { readonly outcome: 'refused' }>

/**
 * Judges a candidate by evidence made for a nonce of our own, then by what the chain says of exactly the binding that
 * the evidence proves. What the chain says alone is never enough (attack R17). Rejects only when evidence cannot be
 * fetched or the chain cannot be read.
 */
export async function verifyProvider(
  candidate: Candidate,
  by: ProviderVerification,
): Promise<JudgedProvider> {
  const { agentId, operator, leased } = candidate
  const { trustAnchor, policy, gpu, acceptWeights, sealing } = by.trust
  const nonce = toHex(randomBytes32())
  const evidence = await by.evidence(agentId, nonce, leased)
  const judged = await judgeEvidence(evidence, by.collateral, {
    at: by.now(),
    trustAnchor,
    policy,
    registry: by.registry,
    nonce,
    expected: { agentId, operator },
    ...(gpu === undefined ? {} : { gpu }),
  })
  if (judged.outcome === 'refused') return judged
  const { bindingId } = judged.claims
  if (leased !== undefined && bindingId !== leased) {
    // As good as it is: a prompt for it would not be passed on, and a channel be opened for nothing.
    throw new SdkError('PROVIDER_UNAVAILABLE', `evidence: expected of ${leased}, got ${bindingId}`)
  }
  const { checks, claims } = await checkOnChain(judged, agentId, { chain: by.chain, policy })
  const own = [
    ...checks,
    ...checkModel(judged.claims, candidate, acceptWeights),
    ...(sealing === 'required' ? [checkSealing(judged.claims)] : []),
  ]
  const failures = failuresOf(own)
  return failures.length === 0
    ? { ...judged, claims, onChain: checks }
    : { outcome: 'refused', checks: [...judged.report.checks, ...own], reasons: failures }
}

function checkSealing({ keyset }: NodeClaims): Check {
  const name = 'sealing-offered'
  const key = sealingKeyOf(keyset)
  return key === undefined
    ? { name, status: 'failed', expected: 'a sealing key in the keyset', actual: 'none' }
    : { name, status: 'passed', evidence: { algo: key.suite.algo } }
}

function checkModel(
  { catalog }: NodeClaims,
  { model, modelId }: Candidate,
  acceptWeights: readonly WeightsState[],
): readonly Check[] {
  const entry = catalog.models.find(({ id }) => id === model)
  if (entry === undefined) {
    const actual = 'a catalogue without it'
    return [{ name: 'service-model', status: 'failed', expected: `${model} ${modelId}`, actual }]
  }
  const proven = modelIdOf(entry)
  const { state } = entry
  return [
    proven === modelId
      ? { name: 'service-model', status: 'passed', evidence: { model, modelId } }
      : { name: 'service-model', status: 'failed', expected: modelId, actual: proven },
    acceptWeights.includes(state)
      ? { name: 'weights-state', status: 'passed', evidence: { state } }
      : { name: 'weights-state', status: 'failed', expected: acceptWeights.join(), actual: state },
  ]
}
