import type { GpuTrust } from '@jeju/verifier'
import {
  createCollateralClient,
  createOcspClient,
  createRimClient,
} from '@jeju/verifier/collateral'
import { gpuTrust, GpuVerifier, type OcspAnswerSource, type RimSource } from '@jeju/verifier/gpu'
import { nodeP384 } from '@jeju/verifier/node'
import { createProviderConnection } from './admission/provider-connection.ts'
import { connectChain } from './chain/viem-gateway-chain.ts'
import { ConfigError, parseConfig, type Config } from './config.ts'
import { readExplorerFiles } from './explorer/explorer-files.ts'
import { createGateway } from './gateway.ts'
import { startServer } from './http/server.ts'
import { createLogger } from './logging.ts'
import { releasePolicyText } from './release-policy.ts'
import { openStore, StoreError } from './store/libsql-store.ts'

/** How long answers under way may take after SIGTERM. */
const GRACE_MS = 120_000

/** One gateway process: configuration from the environment, ends on SIGTERM. */
async function main(config: Config): Promise<void> {
  const logger = createLogger(config.logLevel)
  const { chainId, computeRegistry } = config.deployment
  const store = openStore(config.storeFile, `eip155:${chainId}:${computeRegistry}`)
  const connection = createProviderConnection(config.allowLoopbackProviders)
  const rims = createRimClient({
    fetch,
    baseUrl: config.rimUrl,
    now: () => new Date(),
    onFailure: ({ code }, id) => logger.warn({ code, id }, 'no reference values'),
  })
  const ocsp = createOcspClient({
    fetch,
    baseUrl: config.ocspUrl,
    now: () => new Date(),
    onFailure: ({ code }) => logger.warn({ code }, 'no status of a certificate'),
  })
  const gateway = createGateway(config, {
    chain: connectChain(config.rpcUrls, config.deployment),
    connection,
    collateral: createCollateralClient({
      fetch,
      baseUrl: config.collateralUrl,
      now: () => new Date(),
      onRefreshFailure: ({ code }) => logger.warn({ code }, 'collateral was not refreshed'),
    }),
    gpu: gpusOf(config, { rims, ocsp }),
    store,
    explorer: {
      files: await readExplorerFiles(),
      policyText: config.policyText,
      gpuTrustAnchor: config.gpuTrustAnchor,
      rims,
      ocsp,
    },
    logger,
    now: () => new Date(),
  })
  const stop = new AbortController()
  const server = await startServer(gateway.listener, config.host, config.port)
  logger.info({ port: server.port, tier: config.trustAnchor.tier }, 'listening')

  const end = async (): Promise<void> => {
    gateway.drain()
    logger.info('draining')
    await server.close(GRACE_MS)
    stop.abort()
    await connection.close()
    store.close()
    process.exit(0)
  }
  process.once('SIGTERM', () => void end())
  process.once('SIGINT', () => void end())
  await gateway.run(stop.signal)
}

/** Who judges GPUs, where the policy takes them at all. */
function gpusOf(
  { policy, gpuTrustAnchor }: Config,
  sources: { readonly rims: RimSource; readonly ocsp: OcspAnswerSource },
): GpuTrust | undefined {
  if (policy.gpu === 'forbidden') return undefined
  const verifier = new GpuVerifier(gpuTrustAnchor, { signatures: nodeP384 })
  return gpuTrust({ verifier, ...sources })
}

try {
  await main(
    parseConfig({ ...process.env, POLICY: process.env['POLICY'] ?? (await releasePolicyText()) }),
  )
} catch (error) {
  const isKnown = error instanceof ConfigError || error instanceof StoreError
  process.stderr.write(`${isKnown ? error.message : 'the gateway could not start'}\n`)
  process.exit(1)
}
