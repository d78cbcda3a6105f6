import type { SimulatedPlatform } from '@jeju/simulator'
import type { AppraisalPolicy } from '@jeju/verifier'
import type { LocalChain } from './chain.ts'
import { trustRootSetting } from './policy.ts'
import { freePort, NODE_FLAGS, start, waitFor, type RunningProcess } from './process.ts'

/** A gateway process. */
export interface GatewayProcess {
  readonly url: string
  readonly process: RunningProcess
}

/** Starts a gateway with the published policy and further settings. Loopback providers are allowed on a devnet only. */
export async function startGateway(
  chain: LocalChain,
  policy: AppraisalPolicy,
  platform: SimulatedPlatform,
  urls: { readonly collateral: string; readonly rims: string; readonly ocsp: string },
  gpuTrustRoot: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<GatewayProcess> {
  const port = await freePort()
  const running = start('gateway', [process.execPath, ...NODE_FLAGS, 'gateway/src/main.ts'], {
    RPC_URL: chain.rpcUrl,
    CHAIN_ID: String(chain.chainId),
    DEPLOYMENT: JSON.stringify(chain.deployment),
    POLICY: JSON.stringify(policy),
    TRUST_ROOT: trustRootSetting(platform),
    COLLATERAL_URL: urls.collateral,
    GPU_TRUST_ROOT: gpuTrustRoot,
    RIM_URL: urls.rims,
    OCSP_URL: urls.ocsp,
    ALLOW_LOOPBACK_PROVIDERS: 'true',
    PORT: String(port),
    ...settings,
  })
  const url = `http://127.0.0.1:${port}`
  await waitFor('the gateway', async () => ((await fetch(`${url}/health`)).ok ? true : undefined), {
    timeoutMs: 30_000,
    running,
  })
  return { url, process: running }
}
