import { INTEL_ROOT_SHA256, lowercase, type Deployment } from '@jeju/contracts'
import { DeviceAuthority, type DeviceRoot } from '@jeju/verifier/node'

const FORM = /^simulated:([A-Za-z0-9+/]+={0,2})$/

/**
 * The root that devices must be of: `nvidia`, or `simulated:` and a certificate in DER as base64. Another than NVIDIA's
 * stands in a measured compose file or nowhere: no published one has a place for it.
 * @throws Error in words
 */
export function parseGpuRoot(text: string): DeviceRoot {
  if (text === 'nvidia') return text
  const base64 = FORM.exec(text)?.[1]
  if (base64 === undefined) throw new Error('expected nvidia, or simulated: and a DER in base64')
  const root = new Uint8Array(Buffer.from(base64, 'base64'))
  // It is read here, so that a mistake shows at the start.
  const { isNvidia } = new DeviceAuthority(root)
  return isNvidia ? 'nvidia' : root
}

/**
 * What is wrong with a root in a deployment: simulated devices beside genuine quotes would pass for real ones on chain,
 * which believes a measured node about its devices.
 */
export function gpuRootProblem(root: DeviceRoot, { tdx }: Deployment): string | undefined {
  if (root === 'nvidia' || tdx === undefined) return undefined
  return lowercase(tdx.rootCertificateHash) === INTEL_ROOT_SHA256
    ? "GPU_ROOT: expected nvidia where the deployment judges by Intel's root, got a simulated one"
    : undefined
}
