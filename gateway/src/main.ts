import { serve } from '@hono/node-server'
import type { GpuTrust } from '@jeju/verifier'
import { createCollateralClient, createRimClient } from '@jeju/verifier/collateral'
import { gpuTrust, GpuVerifier } from '@jeju/verifier/gpu'
import { nodeP384 } from '@jeju/verifier/node'
import { createProviderConnection } from './admission/provider-connection.ts'
import { connectChain } from './chain/viem-gateway-chain.ts'
import { ConfigError, parseConfig, type Config } from './config.ts'
import { createGateway } from './gateway.ts'
import { createLogger, type Logger } from './logging.ts'
import { releasePolicyText } from './release-policy.ts'

/** One gateway process: configuration from the environment, ends on SIGTERM. */
function main(config: Config): void {
  const logger = createLogger(config.logLevel)
  const gateway = createGateway(config, {
    chain: connectChain(config.rpcUrl, config.deployment),
    connection: createProviderConnection(config.allowLoopbackProviders),
    collateral: createCollateralClient({
      fetch,
      baseUrl: config.collateralUrl,
      now: () => new Date(),
      onRefreshFailure: ({ code }) => logger.warn({ code }, 'collateral was not refreshed'),
    }),
    gpu: gpusOf(config, logger),
    logger,
    now: () => new Date(),
  })
  const stop = new AbortController()
  const server = serve({ fetch: gateway.app.fetch, port: config.port, hostname: config.host })
  logger.info({ port: config.port, tier: config.trustAnchor.tier }, 'listening')

  const end = (): void => {
    stop.abort()
    // Answers under way end by themselves; new connections are refused.
    server.close(() => process.exit(0))
  }
  process.on('SIGTERM', end)
  process.on('SIGINT', end)
  void gateway.run(stop.signal)
}

/** Who judges GPUs, where the policy takes them at all. */
function gpusOf(config: Config, logger: Logger): GpuTrust | undefined {
  if (config.policy.gpu === 'forbidden') return undefined
  const rims = createRimClient({
    fetch,
    baseUrl: config.rimUrl,
    now: () => new Date(),
    onFailure: ({ code }, id) => logger.warn({ code, id }, 'no reference values'),
  })
  return gpuTrust({
    verifier: new GpuVerifier(config.gpuTrustAnchor, { signatures: nodeP384 }),
    rims,
  })
}

try {
  main(
    parseConfig({ ...process.env, POLICY: process.env['POLICY'] ?? (await releasePolicyText()) }),
  )
} catch (error) {
  process.stderr.write(
    `${error instanceof ConfigError ? error.message : 'the gateway could not start'}\n`,
  )
  process.exit(1)
}
