import type { TrustAnchor } from '@jeju/verifier'
import type { GpuTrustAnchor } from '@jeju/verifier/gpu'
import type { ContractDomain } from '@jeju/verifier/protocol'

/** What the gateway judges by, for a browser that judges by the same. */
export interface ExplorerSettings {
  readonly registry: ContractDomain
  /** JSON as `parsePolicy` reads it. */
  readonly policyText: string
  readonly trustAnchor: TrustAnchor
  readonly gpuTrustAnchor: GpuTrustAnchor
}

/** `GET /explorer/settings.json`. Roots of vendors are the browser's own; only simulated ones are handed to it. */
export function settingsDocument(settings: ExplorerSettings): object {
  const { registry, policyText, trustAnchor, gpuTrustAnchor } = settings
  return {
    chainId: registry.chainId.toString(),
    computeRegistry: registry.verifyingContract,
    policy: policyText,
    trustRoot:
      trustAnchor.tier === 'tdx'
        ? { tier: 'tdx' }
        : {
            tier: 'simulated',
            name: trustAnchor.name,
            certificate: base64(trustAnchor.certificate),
          },
    gpuTrustRoot:
      gpuTrustAnchor.tier === 'nvidia'
        ? { tier: 'nvidia' }
        : {
            tier: 'simulated',
            name: gpuTrustAnchor.name,
            deviceRoot: base64(gpuTrustAnchor.deviceRoot.der),
            rimRoot: base64(gpuTrustAnchor.rimRoot.der),
          },
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
