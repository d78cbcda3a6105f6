import type { GpuTrust } from '@jeju/verifier'
import { toBase64Url } from '@jeju/verifier/protocol'
import { get } from '../gateway/get-json.ts'
import { bytesOf, type Settings } from '../gateway/settings.ts'

/** Who judges GPUs, by NVIDIA's reference values and status as the gateway hands them on; loaded only where the policy takes any. */
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
  return gpuTrust({ verifier: new GpuVerifier(anchor), rims: { rimsFor }, ocsp: { answersTo } })
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

/** The status of certificates, one question each; what cannot be had is left out. */
async function answersTo(requests: readonly Uint8Array[]): Promise<readonly Uint8Array[]> {
  const found = await Promise.all(
    requests.map(async (request): Promise<readonly Uint8Array[]> => {
      const path = `ocsp?request=${toBase64Url(request)}`
      const answer = await get(path, 'application/ocsp-response').catch(() => undefined)
      return answer === undefined ? [] : [new Uint8Array(await answer.arrayBuffer())]
    }),
  )
  return found.flat()
}
