import type { AppraisalPolicy, GpuJudgement } from '@jeju/verifier'

/**
 * Who judges GPUs under a policy: what the caller handed in, else NVIDIA's own roots. Loaded when a policy takes GPUs
 * and not before, so that a browser without them does not carry it.
 */
export async function gpuJudgementFor(
  { gpu }: AppraisalPolicy,
  given: GpuJudgement | undefined,
): Promise<GpuJudgement | undefined> {
  if (given !== undefined || gpu === 'forbidden') return given
  nvidia ??= import('@jeju/verifier/gpu').then(({ GpuVerifier, nvidiaTrustAnchor }) => ({
    verifier: new GpuVerifier(nvidiaTrustAnchor()),
  }))
  return nvidia
}

/** One for the process: it keeps what it has verified of certificates and reference values. */
let nvidia: Promise<GpuJudgement> | undefined
