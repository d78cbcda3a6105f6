import type { GpuJudgement } from '@jeju/verifier'
import { bytesOf, type Settings } from '../gateway/settings.ts'

/** Who judges GPUs, fetched only where the policy takes any. */
export async function gpuJudgement({
  policy,
  gpuTrustRoot,
}: Settings): Promise<GpuJudgement | undefined> {
  if (policy.gpu === 'forbidden') return undefined
  const { GpuVerifier, nvidiaTrustAnchor, simulatedGpuTrustAnchor } =
    await import('@jeju/verifier/gpu')
  const anchor =
    gpuTrustRoot.tier === 'nvidia'
      ? nvidiaTrustAnchor()
      : simulatedGpuTrustAnchor(gpuTrustRoot.name, {
          deviceRoot: bytesOf(gpuTrustRoot.deviceRoot),
          rimRoot: bytesOf(gpuTrustRoot.rimRoot),
        })
  return { verifier: new GpuVerifier(anchor) }
}
