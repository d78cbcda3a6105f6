import type { AppraisalPolicy, GpuTrust } from '@jeju/verifier'

/**
 * Who judges GPUs under a policy: what the caller handed in, else NVIDIA's own roots and its service of reference
 * values. Loaded when a policy takes GPUs and not before, so that a browser without them does not carry it.
 */
export async function gpuTrustFor(
  { gpu }: AppraisalPolicy,
  given: GpuTrust | undefined,
): Promise<GpuTrust | undefined> {
  if (given !== undefined || gpu === 'forbidden') return given
  nvidia ??= nvidiaTrust()
  return nvidia
}

/** One for the process: it keeps what it has verified of certificates and reference values. */
let nvidia: Promise<GpuTrust> | undefined

async function nvidiaTrust(): Promise<GpuTrust> {
  const [{ gpuTrust, GpuVerifier, nvidiaTrustAnchor }, { createRimClient, NVIDIA_RIM_URL }] =
    await Promise.all([import('@jeju/verifier/gpu'), import('@jeju/verifier/collateral')])
  const rims = createRimClient({ fetch, baseUrl: NVIDIA_RIM_URL, now: () => new Date() })
  return gpuTrust({ verifier: new GpuVerifier(nvidiaTrustAnchor()), rims })
}
