import { setTimeout as delay } from 'node:timers/promises'
import { DeploymentError } from '@jeju/contracts'
import { QuoteVerifier, type CollateralSource, type GpuTrust } from '@jeju/verifier'
import { nodeP256 } from '@jeju/verifier/node'
import type { Hono } from 'hono'
import { createLeases } from './admission/leases.ts'
import type { ProviderConnection } from './admission/provider-connection.ts'
import type { GatewayChain } from './chain/gateway-chain.ts'
import type { Config } from './config.ts'
import { createProviderDirectory } from './discovery/provider-directory.ts'
import { createApp } from './http/app.ts'
import type { Logger } from './logging.ts'
import { healthRoute } from './routes/health.ts'
import { modelsRoute } from './routes/models.ts'
import { promptRoutes } from './routes/prompts.ts'
import { providersRoutes } from './routes/providers.ts'
import { createRouter } from './routing/router.ts'

/** What a gateway is built from; `main.ts` makes the real ones. */
export interface GatewayParts {
  readonly chain: GatewayChain
  readonly connection: ProviderConnection
  readonly collateral: CollateralSource
  /** Who judges GPUs, where the policy takes them. */
  readonly gpu?: GpuTrust | undefined
  readonly logger: Logger
  readonly now: () => Date
}

/** A gateway that can be served. */
export interface Gateway {
  readonly app: Hono
  /** Discovers and judges once. */
  update(): Promise<void>
  /** Keeps doing so until the signal. */
  run(signal: AbortSignal): Promise<void>
}

/** An RPC service may be away for this and three polls more, before nobody is routed to. */
const MIN_CHAIN_AGE_MS = 60_000

/** Builds a gateway: chain → directory → leases → router. */
export function createGateway(
  config: Pick<Config, 'deployment' | 'policy' | 'trustAnchor' | 'pollIntervalMs'>,
  parts: GatewayParts,
): Gateway {
  const { deployment, policy, trustAnchor, pollIntervalMs } = config
  const { chain, connection, collateral, gpu, logger, now } = parts
  const registry = {
    chainId: BigInt(deployment.chainId),
    verifyingContract: deployment.computeRegistry,
  }
  const quoteVerifier = new QuoteVerifier(trustAnchor, { signatures: nodeP256 })
  const maxChainAgeMs = MIN_CHAIN_AGE_MS + 3 * pollIntervalMs
  const directory = createProviderDirectory(chain, BigInt(deployment.deployedAtBlock))
  const leases = createLeases(
    directory,
    { connection, chain, collateral, policy, quoteVerifier, gpu, registry, now, maxChainAgeMs },
    logger,
  )
  const app = createApp(
    [
      promptRoutes(createRouter(leases, connection)),
      providersRoutes(directory, leases, connection),
      modelsRoute(leases),
      healthRoute(leases),
    ],
    logger,
  )
  let checked = false
  const watch = async (): Promise<void> => {
    if (!checked) await chain.checkContracts()
    checked = true
    await directory.refresh()
    await leases.dropRevoked()
  }
  const logFailure = (error: unknown): void => {
    const reason = error instanceof DeploymentError ? error.message : undefined
    logger.warn({ error: error instanceof Error ? error.name : '', reason }, 'update failed')
  }
  return {
    app,
    update: async () => {
      await watch()
      await leases.judge()
    },
    run: async (signal) => {
      while (!signal.aborted) {
        // Not waited for: a provider that answers slowly must not delay the revocation of others (attack F3).
        await watch().then(() => void leases.judge().catch(logFailure), logFailure)
        await delay(pollIntervalMs, undefined, { signal }).catch(() => undefined)
      }
    },
  }
}
