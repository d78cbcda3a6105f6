import type { GpuJudgement, GpuTrust } from '../statement/check-gpu.ts'
import type { GpuVerifier } from './gpu-verifier.ts'
import { rimIdsOf } from './rim/rim-ids.ts'

/** Where NVIDIA's reference values come from: `createRimClient` of `@jeju/verifier/collateral`. */
export interface RimSource {
  /** Documents by id; what cannot be had is left out, and the check then names it. */
  rimsFor(ids: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>>
}

/**
 * A relying party's trust in GPUs, kept between nodes: who judges, and where reference values are fetched. RIMs that a
 * node brings itself are never used: it chose their vintage.
 */
export function gpuTrust({
  verifier,
  rims,
}: {
  readonly verifier: GpuVerifier
  readonly rims: RimSource
}): GpuTrust {
  return {
    judgementFor: async (evidence): Promise<GpuJudgement> => {
      const ids = rimIdsOf(evidence)
      return {
        verifier,
        collateral: { rims: ids.length === 0 ? new Map() : await rims.rimsFor(ids) },
      }
    },
  }
}
