import type { Check } from '@jeju/verifier'

/** What the demo reads of `GET /v1/providers` (docs/protocol.md §8). */
export interface GatewayProviderView {
  readonly agentId: string
  readonly admitted: boolean
  readonly lease: {
    readonly bindingId: string
    readonly tier: string
  } | null
  readonly judgement: {
    readonly outcome: 'admitted' | 'refused' | 'unjudged'
    readonly reasons: readonly string[]
    readonly checks: readonly Check[]
  } | null
}

/** Providers as the gateway lists them now. */
export async function providerDocuments(url: string): Promise<readonly GatewayProviderView[]> {
  const response = await fetch(`${url}/v1/providers`)
  const { providers } = (await response.json()) as { providers: readonly GatewayProviderView[] }
  return providers
}
