import type { GpuJudgement, GpuTrust } from '../statement/check-gpu.ts'
import type { GpuVerifier, NrasWord } from './gpu-verifier.ts'
import { ocspRequestsOf } from './ocsp/ocsp-requests.ts'
import { rimIdsOf } from './rim/rim-ids.ts'

/** Where NVIDIA's reference values come from: `createRimClient` of `@jeju/verifier/collateral`. */
export interface RimSource {
  /** Documents by id; what cannot be had is left out, and the check then names it. */
  rimsFor(ids: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>>
}

/** Where answers about certificates come from: `createOcspClient` of `@jeju/verifier/collateral`. */
export interface OcspAnswerSource {
  /** Answers to these requests; what cannot be had is left out, and the policy says whether that is refused. */
  answersTo(requests: readonly Uint8Array[]): Promise<readonly Uint8Array[]>
}

/** Where the word of NVIDIA's attestation service comes from: `nrasSource` makes one. */
export interface NrasSource {
  /** What the service says of the devices of this bundle; what cannot be had is left out, and the check names it. */
  appraisalOf(evidence: Uint8Array): Promise<NrasWord>
}

/**
 * A relying party's trust in GPUs, kept between nodes: who judges, and where reference values and the status of
 * certificates are fetched. RIMs that a node brings itself are never used: it chose their vintage. Its OCSP answers are,
 * where no service is asked: they are signed, and old for a day at most. `nras` is asked about every node, so it is for
 * policies that want its word.
 */
export function gpuTrust({
  verifier,
  rims: rimSource,
  ocsp: ocspSource,
  nras: nrasSource,
}: {
  readonly verifier: GpuVerifier
  readonly rims: RimSource
  readonly ocsp?: OcspAnswerSource
  readonly nras?: NrasSource
}): GpuTrust {
  return {
    judgementFor: async (evidence): Promise<GpuJudgement> => {
      const ids = rimIdsOf(evidence)
      const [rims, nras] = await Promise.all([
        ids.length === 0 ? new Map<string, never>() : rimSource.rimsFor(ids),
        nrasSource?.appraisalOf(evidence),
      ])
      const collateral = { rims, ...(nras && { nras }) }
      if (ocspSource === undefined) return { verifier, collateral }
      const requests = await ocspRequestsOf(evidence, rims, verifier.trustAnchor)
      const ocsp = requests.length === 0 ? [] : await ocspSource.answersTo(requests)
      return { verifier, collateral: { ...collateral, ocsp } }
    },
  }
}
