import type { AppraisalPolicy, GpuTrust } from '@jeju/verifier'

/**
 * Who judges GPUs under a policy: what the caller handed in, else NVIDIA's own roots and its services of reference
 * values and of certificates. Loaded when a policy takes GPUs and not before, so that a browser without them does not carry it.
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
  const [{ gpuTrust, GpuVerifier, nvidiaTrustAnchor }, { createOcspClient, createRimClient }] =
    await Promise.all([import('@jeju/verifier/gpu'), import('@jeju/verifier/collateral')])
  const now = (): Date => new Date()
  return gpuTrust({
    verifier: new GpuVerifier(nvidiaTrustAnchor()),
    rims: createRimClient({ fetch, now }),
    ocsp: createOcspClient({ fetch, now }),
  })
}
