import {
  intelTrustAnchor,
  parsePolicy,
  simulatedTrustAnchor,
  type AppraisalPolicy,
  type TrustAnchor,
} from '@jeju/verifier'
import type { Hex } from '@jeju/verifier/protocol'
import { z } from 'zod/mini'
import { getJson } from './get-json.ts'

/** What the gateway judges by, and this page with it: shown in full, so that a visitor can object. */
export interface Settings {
  readonly chainId: bigint
  readonly computeRegistry: Hex
  readonly policyText: string
  readonly policy: AppraisalPolicy
  readonly trustAnchor: TrustAnchor
  readonly gpuTrustRoot: GpuTrustRoot
}

/** NVIDIA's roots, or those of simulated devices in base64. */
export type GpuTrustRoot = z.infer<typeof document>['gpuTrustRoot']

const document = z.object({
  chainId: z.string().check(z.regex(/^[1-9][0-9]{0,19}$/)),
  computeRegistry: z.string().check(z.regex(/^0x[0-9a-f]{40}$/)),
  policy: z.string(),
  trustRoot: z.union([
    z.object({ tier: z.literal('tdx') }),
    z.object({ tier: z.literal('simulated'), name: z.string(), certificate: z.string() }),
  ]),
  gpuTrustRoot: z.union([
    z.object({ tier: z.literal('nvidia') }),
    z.object({
      tier: z.literal('simulated'),
      name: z.string(),
      deviceRoot: z.string(),
      rimRoot: z.string(),
    }),
  ]),
})

/** `GET /explorer/settings.json`. @throws on an answer that is none */
export async function fetchSettings(): Promise<Settings> {
  const { chainId, computeRegistry, policy, trustRoot, gpuTrustRoot } = document.parse(
    await getJson('settings.json'),
  )
  return {
    chainId: BigInt(chainId),
    computeRegistry: computeRegistry as Hex,
    policyText: policy,
    policy: parsePolicy(policy),
    trustAnchor:
      trustRoot.tier === 'tdx'
        ? intelTrustAnchor()
        : simulatedTrustAnchor(trustRoot.name, bytesOf(trustRoot.certificate)),
    gpuTrustRoot,
  }
}

/** Bytes of base64. @throws DOMException */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
}
