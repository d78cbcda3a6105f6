import type { GpuTrust } from '@jeju/verifier'
import { get } from '../gateway/get-json.ts'
import { bytesOf, type Settings } from '../gateway/settings.ts'

/** Who judges GPUs, by NVIDIA's reference values as the gateway hands them on; loaded only where the policy takes any. */
export async function explorerGpuTrust({
  policy,
  gpuTrustRoot,
}: Settings): Promise<GpuTrust | undefined> {
  if (policy.gpu === 'forbidden') return undefined
  const { gpuTrust, GpuVerifier, nvidiaTrustAnchor, simulatedGpuTrustAnchor } =
    await import('@jeju/verifier/gpu')
  const anchor =
    gpuTrustRoot.tier === 'nvidia'
      ? nvidiaTrustAnchor()
      : simulatedGpuTrustAnchor(gpuTrustRoot.name, {
          deviceRoot: bytesOf(gpuTrustRoot.deviceRoot),
          rimRoot: bytesOf(gpuTrustRoot.rimRoot),
        })
  return gpuTrust({ verifier: new GpuVerifier(anchor), rims: { rimsFor } })
}

/** What cannot be had is left out; the check that needs it then says so. */
async function rimsFor(ids: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>> {
  const found = await Promise.all(
    ids.map(async (id): Promise<readonly (readonly [string, Uint8Array])[]> => {
      const answer = await get(`rim?id=${encodeURIComponent(id)}`, 'application/xml').catch(
        () => undefined,
      )
      return answer === undefined ? [] : [[id, new Uint8Array(await answer.arrayBuffer())]]
    }),
  )
  return new Map(found.flat())
}
