import { objectionToGpus } from '@jeju/contracts'
import type { AppraisalPolicy, Check, NodeClaims, Tier } from '@jeju/verifier'
import type { BindingRecord, ChainReader } from '../chain/chain-reader.ts'

/** What own verification found, held against the chain. */
export interface CheckedOnChain {
  readonly checks: readonly Check[]
  /** Without GPUs that the chain does not have as this binding's: such a node counts as one without. */
  readonly claims: NodeClaims
}

/**
 * `binding-on-chain`: the proven binding is valid on chain now, of this agent and signer. `gpu-on-chain`, for a node with
 * GPUs: the registry has them as this binding's, or keeps no record of devices at all (attack D7). Where it has them
 * otherwise, a policy that requires GPUs refuses, with code `GPU_NOT_HELD`; any other takes the node as one without.
 */
export async function checkOnChain(
  { claims, tier }: { readonly claims: NodeClaims; readonly tier: Tier },
  agentId: bigint,
  { chain, policy }: { readonly chain: ChainReader; readonly policy: AppraisalPolicy },
): Promise<CheckedOnChain> {
  const binding = await chain.binding(claims.bindingId)
  const checks = [bindingCheck(claims, agentId, binding)]
  if (claims.gpu === undefined) return { checks, claims }
  const name = 'gpu-on-chain'
  const objection = objectionToGpus(binding, tier)
  if (objection === undefined) {
    const { devices, tier: onChain } = binding
    checks.push({ name, status: 'passed', evidence: { tier: onChain, devices } })
    return { checks, claims }
  }
  const { gpu: _, ...withoutGpu } = claims
  checks.push(
    policy.gpu !== 'forbidden' && policy.gpu.presence === 'required'
      ? { name, status: 'failed', code: 'GPU_NOT_HELD', ...objection }
      : { name, status: 'skipped', because: `counts as a node without GPUs: ${objection.actual}` },
  )
  return { checks, claims: withoutGpu }
}

function bindingCheck(
  { bindingId, statement }: NodeClaims,
  agentId: bigint,
  binding: BindingRecord,
): Check {
  const name = 'binding-on-chain'
  const expected = `a valid binding ${bindingId} of agent ${agentId}, signer ${statement.signer}`
  if (!binding.valid) return { name, status: 'failed', expected, actual: 'none that is valid now' }
  if (binding.agentId !== agentId || binding.signer !== statement.signer) {
    const actual = `agent ${binding.agentId}, signer ${binding.signer}`
    return { name, status: 'failed', expected, actual }
  }
  return { name, status: 'passed', evidence: { bindingId } }
}
