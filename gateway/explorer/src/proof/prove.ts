import { collateralRequestOf, parseCollateral, verifyEvidence, type Report } from '@jeju/verifier'
import {
  EVIDENCE_MEDIA_TYPE,
  MAX_EVIDENCE_BYTES,
  randomBytes32,
  toHex,
  type Hex,
} from '@jeju/verifier/protocol'
import { GatewayAnswerError, get, getText } from '../gateway/get-json.ts'
import type { Provider } from '../gateway/providers.ts'
import type { Settings } from '../gateway/settings.ts'
import { explorerGpuTrust } from './gpu-trust.ts'

/** A node takes seconds to quote, and may be asked by others. */
const EVIDENCE_TIMEOUT_MS = 60_000

/** What this browser found out by itself. */
export interface Proof {
  readonly report: Report
  /** 64 hex digits that this browser drew. */
  readonly nonce: Hex
  /** From the question to the evidence, in milliseconds. */
  readonly evidenceMs: number
  /** From the evidence to the verdict, in milliseconds. */
  readonly verifyMs: number
  /** The bundle, to be kept and judged elsewhere. */
  readonly evidence: Uint8Array<ArrayBuffer>
}

/** Steps that take long enough to be told. */
export type Step = 'evidence' | 'collateral' | 'verification'

/**
 * Asks the node for evidence over a nonce of this browser's, through the gateway, and judges it here. Gateway and
 * node can withhold evidence, not make it: Intel's collateral is signed as well, whoever hands it on.
 *
 * @throws GatewayAnswerError, VerifierError, ProtocolError: nothing there that could be judged
 */
export async function prove(
  provider: Provider,
  settings: Settings,
  onStep: (step: Step) => void,
): Promise<Proof> {
  const nonce = toHex(randomBytes32())
  onStep('evidence')
  const asked = performance.now()
  const evidence = await fetchEvidence(provider, nonce)
  const answered = performance.now()
  onStep('collateral')
  const { fmspc, ca } = collateralRequestOf(evidence)
  const collateral = parseCollateral(await getText(`collateral?fmspc=${fmspc}&ca=${ca}`))
  const gpu = await (await explorerGpuTrust(settings))?.judgementFor(evidence)
  onStep('verification')
  const began = performance.now()
  const report = await verifyEvidence(evidence, {
    at: new Date(),
    trustAnchor: settings.trustAnchor,
    collateral,
    policy: settings.policy,
    ...(gpu === undefined ? {} : { gpu }),
    registry: { chainId: settings.chainId, verifyingContract: settings.computeRegistry },
    freshness: { kind: 'challenge', nonce },
    expected: { agentId: BigInt(provider.agentId), operator: provider.owner as Hex },
  })
  requireLeased(provider, report)
  return {
    report,
    nonce,
    evidenceMs: answered - asked,
    verifyMs: performance.now() - began,
    evidence,
  }
}

/** What another node of the provider proves says nothing about the one that prompts are passed on to. */
function requireLeased({ lease }: Provider, { verdict }: Report): void {
  if (lease === null || verdict.outcome !== 'verified') return
  const { bindingId } = verdict.claims
  if (bindingId === lease.bindingId) return
  throw new GatewayAnswerError(`evidence: expected of ${lease.bindingId}, got of ${bindingId}`)
}

/** Of the node that prompts are passed on to, where one is admitted. */
async function fetchEvidence(
  { agentId, lease }: Provider,
  nonce: Hex,
): Promise<Uint8Array<ArrayBuffer>> {
  const named = lease === null ? '' : `&binding_id=${encodeURIComponent(lease.bindingId)}`
  const path = `../v1/providers/${agentId}/attestation?nonce=${nonce.slice(2)}${named}`
  const response = await get(path, EVIDENCE_MEDIA_TYPE, EVIDENCE_TIMEOUT_MS)
  const bytes = new Uint8Array(await response.arrayBuffer())
  if (bytes.length > MAX_EVIDENCE_BYTES) {
    throw new RangeError(`evidence: at most ${MAX_EVIDENCE_BYTES} bytes, got ${bytes.length}`)
  }
  return bytes
}
