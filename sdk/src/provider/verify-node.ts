import type {
  AppraisalPolicy,
  CollateralSource,
  GpuTrust,
  NodeClaims,
  Report,
  Tier,
  TrustAnchor,
} from '@jeju/verifier'
import { randomBytes32, toHex, type ContractDomain, type Hex } from '@jeju/verifier/protocol'
import { NotVerified } from '../errors/not-verified.ts'
import { parseBaseUrl } from '../gateway/base-url.ts'
import { fetchEvidence } from '../gateway/fetch-evidence.ts'
import { judgeEvidence } from '../session/judge-evidence.ts'

/** Whom to trust, and how far. */
export interface NodeTrust {
  readonly trustAnchor: TrustAnchor
  readonly policy: AppraisalPolicy
  readonly collateral: CollateralSource
  /** Who judges GPUs, where the policy takes them; NVIDIA's own roots when absent. */
  readonly gpu?: GpuTrust
}

/** A node and what it must prove. */
export interface NodeExpectation extends NodeTrust {
  /** Base address of the node: https, or http on loopback. */
  readonly nodeUrl: string
  readonly registry: ContractDomain
  readonly expected: { readonly agentId: bigint; readonly operator: Hex }
  readonly transport: typeof fetch
}

/** A node whose evidence holds. */
export interface VerifiedNode {
  readonly tier: Tier
  readonly claims: NodeClaims
  readonly report: Report
}

/** Fetches a node's own evidence for a fresh nonce and judges it. Throws `NotVerified` or `PROVIDER_UNAVAILABLE`. */
export async function verifyNode(options: NodeExpectation): Promise<VerifiedNode> {
  const { nodeUrl, trustAnchor, policy, collateral, gpu, registry, expected, transport } = options
  const nonce = toHex(randomBytes32())
  const endpoint = `${parseBaseUrl(nodeUrl)}/v1/attestation`
  const evidence = await fetchEvidence(endpoint, nonce, transport)
  const judged = await judgeEvidence(evidence, collateral, {
    at: new Date(),
    trustAnchor,
    policy,
    registry,
    nonce,
    expected,
    ...(gpu === undefined ? {} : { gpu }),
  })
  if (judged.outcome === 'refused') {
    throw new NotVerified('provider', [{ agentId: expected.agentId, ...judged }])
  }
  return judged
}
