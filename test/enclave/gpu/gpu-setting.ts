import type { AgentGpus } from '@jeju/simulator'
import { createSimulatedGpus, type GpuOptions, type SimulatedGpus } from '@jeju/simulator/gpu'
import { verifyEvidence, type GpuRequirement, type Report } from '@jeju/verifier'
import { GpuVerifier, simulatedGpuTrustAnchor } from '@jeju/verifier/gpu'
import { nodeP384 } from '@jeju/verifier/node'
import type { Freshness } from '@jeju/verifier/protocol'
import { registryDomain } from '../setting/deployment.ts'
import { takesAnyGpu } from '../../gpu-policy.ts'
import { contextOf } from '../setting/relying-party.ts'
import { OPERATOR, startNode, type NodeSetting, type Running } from '../setting/start-node.ts'

export const NONCE = 'ab'.repeat(32)
export const OTHER_NONCE = 'cd'.repeat(32)

/** A machine with GPUs whose guest agent tells the truth until a test says otherwise. */
export interface GpuNode {
  readonly running: Running
  readonly gpus: SimulatedGpus
  readonly agent: AgentGpus
}

/** Devices under one pair of roots: with another `first` they are others. */
export function machineGpus(options: Partial<GpuOptions> = {}): SimulatedGpus {
  return createSimulatedGpus({ at: new Date(), seed: 'node', ...options })
}

/** A registered node whose GPUs the guest agent asks. */
export async function startGpuNode(
  options: Partial<GpuOptions> = {},
  setting: NodeSetting = {},
): Promise<GpuNode> {
  const gpus = machineGpus(options)
  const agent: AgentGpus = { gpus }
  const running = await startNode({ gpus: agent, ...setting })
  return { running, gpus, agent }
}

export function verifierOf(gpus: SimulatedGpus): GpuVerifier {
  return new GpuVerifier(simulatedGpuTrustAnchor('test', gpus.roots), { signatures: nodeP384 })
}

/** The evidence that a node serves for a nonce. */
export async function evidenceFor(running: Running, nonce: string): Promise<Uint8Array> {
  const answer = await running.get(`/v1/attestation?nonce=${nonce}`)
  if (answer.status !== 200) throw new Error(`status ${answer.status}: ${await answer.text()}`)
  return new Uint8Array(await answer.arrayBuffer())
}

/** Judges evidence as a relying party that knows these GPUs' roots and asked this. */
export async function judge(
  { running, gpus }: GpuNode,
  evidence: Uint8Array,
  { gpu = takesAnyGpu, nonce = NONCE }: { gpu?: GpuRequirement; nonce?: string } = {},
): Promise<Report> {
  const context = await contextOf(running)
  const freshness: Freshness = { kind: 'challenge', nonce: `0x${nonce}` }
  return verifyEvidence(evidence, {
    ...context,
    policy: { ...context.policy, gpu },
    gpu: { verifier: verifierOf(gpus), collateral: { rims: gpus.rims() } },
    registry: registryDomain,
    freshness,
    expected: { agentId: 0n, operator: OPERATOR },
  })
}

/** Names of failed checks of the node, then of its GPUs. */
export function failures({ checks, gpuChecks = [] }: Report): readonly string[] {
  return [...checks, ...gpuChecks].flatMap(({ name, status }) =>
    status === 'failed' ? [name] : [],
  )
}
