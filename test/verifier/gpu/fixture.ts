import { createSimulatedGpus, type GpuOptions, type SimulatedGpus } from '@jeju/simulator/gpu'
import {
  GPU_CHECKS,
  GpuVerifier,
  nrasAppraiser,
  simulatedGpuTrustAnchor,
  simulatedNras,
  type GpuContext,
  type GpuEvidence,
  type GpuReport,
} from '@jeju/verifier/gpu'
import { nodeP384 } from '@jeju/verifier/node'
import { sha256, utf8 } from '@jeju/verifier/protocol'
import { expect } from 'vitest'
import { takesAnyGpu } from '../../gpu-policy.ts'

/** A machine with simulated GPUs, and who judges it. */

export const AT: Date = new Date('2029-02-20T00:00:00Z')
export const nonce: Uint8Array = sha256(utf8('nonce'))

/** Devices under seeded keys: the same in every test. */
export function gpusOf(options: Partial<GpuOptions> = {}): SimulatedGpus {
  return createSimulatedGpus({ at: AT, seed: 'gpu', ...options })
}

/** A verifier of that machine's roots and service. */
export function verifierOf(gpus: SimulatedGpus): GpuVerifier {
  const { issuer, jwks } = gpus.nras
  return new GpuVerifier(simulatedGpuTrustAnchor('test', gpus.roots), {
    signatures: nodeP384,
    nras: nrasAppraiser(simulatedNras('test', { issuer, jwks })),
  })
}

export function contextOf(changes: Partial<GpuContext> = {}): GpuContext {
  return { at: AT, policy: takesAnyGpu, nonce, devicesDigest: 'any', ...changes }
}

/** Judges evidence of a machine by the policy it would like. */
export function judge(
  gpus: SimulatedGpus,
  evidence: GpuEvidence,
  changes: Partial<GpuContext> = {},
): Promise<GpuReport> {
  return verifierOf(gpus).verify(evidence, contextOf(changes))
}

/** `name CODE` of failed checks; every check is in the report, in order, and nothing is claimed unless all passed. */
export function failures({ checks, claims }: GpuReport): readonly string[] {
  expect(checks.map(({ name }) => name)).toEqual(GPU_CHECKS)
  expect(claims === undefined).toBe(checks.some(({ status }) => status !== 'passed'))
  return checks.flatMap((check) =>
    check.status === 'failed' ? [`${check.name} ${check.code ?? ''}`] : [],
  )
}

export function skippedNames({ checks }: GpuReport): readonly string[] {
  return checks.filter(({ status }) => status === 'skipped').map(({ name }) => name)
}
