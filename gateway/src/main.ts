import { readFile } from 'node:fs/promises'
import type { GpuTrust } from '@jeju/verifier'
import {
  createCollateralClient,
  createNrasClient,
  createOcspClient,
  createRimClient,
} from '@jeju/verifier/collateral'
import {
  gpuTrust,
  GpuVerifier,
  nrasSource,
  type NrasSource,
  type OcspAnswerSource,
  type RimSource,
} from '@jeju/verifier/gpu'
import { nodeP384 } from '@jeju/verifier/node'
import { randomBytes32 } from '@jeju/verifier/protocol'
import { LEASE_MS } from './admission/lease.ts'
import { createNonceSource } from './admission/nonce-source.ts'
import { createProviderConnection } from './admission/provider-connection.ts'
import { connectChain } from './chain/viem-gateway-chain.ts'
import { connectSettlements } from './chain/viem-settlements.ts'
import { ConfigError, parseConfig, type Config } from './config.ts'
import { readExplorerFiles } from './explorer/explorer-files.ts'
import { createGateway, type SponsorOwnParts } from './gateway.ts'
import { startServer } from './http/server.ts'
import { connectPostgres } from './ledger/postgres-ledger.ts'
import { noLedger } from './ledger/receipt-ledger.ts'
import { createLogger, type Logger } from './logging.ts'
import { readReceiptKey } from './receipts/receipt-key.ts'
import { releasePolicyText } from './release-policy.ts'
import { NO_ACCOUNTS, parseAccounts, type Accounts } from './sponsor/accounts.ts'
import { SponsorError, openChannels } from './sponsor/own-channels.ts'
import { createEmbeddedState } from './state/embedded-state.ts'
import { connectRedis } from './state/redis-state.ts'
import type { SharedState } from './state/shared-state.ts'
import type { GatewayStore } from './store/gateway-store.ts'
import { openStore, StoreError } from './store/libsql-store.ts'
import { createFacilitator, type Facilitator } from './x402/facilitator.ts'
import type { X402Settings } from './x402/x402-settings.ts'

/** How long answers under way may take after SIGTERM. */
const GRACE_MS = 120_000

/** One gateway process: configuration from the environment, ends on SIGTERM. */
async function main(config: Config): Promise<void> {
  const logger = createLogger(config.logLevel)
  const { chainId, computeRegistry } = config.deployment
  const store = openStore(config.storeFile, `eip155:${chainId}:${computeRegistry}`)
  const shared = openState(config, store, logger)
  const secret = config.replicas?.secret ?? randomBytes32()
  const ledger =
    config.ledgerUrl === undefined ? noLedger : connectPostgres({ url: config.ledgerUrl, logger })
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
    gpu: gpusOf(config, { rims, ocsp, ...nrasOf(config, logger) }),
    store,
    shared,
    nonces: createNonceSource(secret, {
      chainId: BigInt(chainId),
      verifyingContract: computeRegistry,
    }),
    ledger,
    ...(config.receiptKeyFile === undefined
      ? {}
      : { receiptKey: await readReceiptKey(config.receiptKeyFile) }),
    ...(await openSponsor(config, store, shared, logger)),
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
    await gateway.finish()
    stop.abort()
    await connection.close()
    await ledger.close()
    await shared.close()
    store.close()
    process.exit(0)
  }
  process.once('SIGTERM', () => void end())
  process.once('SIGINT', () => void end())
  await gateway.run(stop.signal)
}

/** What replicas share, through a server where there is one. */
function openState(config: Config, store: GatewayStore, logger: Logger): SharedState {
  const { replicas, deployment, limits } = config
  if (replicas === undefined) return createEmbeddedState(store, limits.wallet, () => new Date())
  return connectRedis({
    url: replicas.redisUrl,
    prefix: `jeju:${deployment.chainId}:${deployment.computeRegistry}`,
    limit: limits.wallet,
    evidenceMs: LEASE_MS,
    logger,
  })
}

/** The gateway's own channels, where it has any. */
async function openSponsor(
  config: Config,
  { fees }: GatewayStore,
  shared: SharedState,
  logger: Logger,
): Promise<{ readonly sponsor?: SponsorOwnParts }> {
  const { sponsor: settings, x402, rpcUrls, deployment } = config
  if (settings === undefined) return {}
  const { accountsFile, maxFeePerRequest } = settings
  const accounts = accountsFile === undefined ? NO_ACCOUNTS : await readAccounts(accountsFile)
  const now = (): Date => new Date()
  const own = await openChannels({ settings, rpcUrls, deployment, shared, fees, logger, now })
  logger.info({ wallet: own.wallet }, 'pays nodes from channels of its own')
  const paid =
    x402 === undefined ? {} : { x402: { settings: x402, facilitator: facilitatorOf(x402, config) } }
  return { sponsor: { ...own, maxFeePerRequest, accounts, ...paid } }
}

/** What a facilitator leaves unclear is looked up where the asset is on the chain of the RPC services. */
function facilitatorOf(
  { facilitatorUrl, chainId }: X402Settings,
  { rpcUrls, deployment }: Config,
): Facilitator {
  const isHere = chainId === deployment.chainId
  const find = isHere ? connectSettlements(rpcUrls, chainId) : undefined
  return createFacilitator(facilitatorUrl, fetch, find)
}

async function readAccounts(path: string): Promise<Accounts> {
  try {
    return parseAccounts(await readFile(path, 'utf8'))
  } catch (error) {
    const reason = error instanceof Error ? error.message : ''
    throw new ConfigError([`ACCOUNTS_FILE: ${reason}`])
  }
}

/** Who judges GPUs, where the policy takes them at all. */
function gpusOf(
  { policy, gpuTrustAnchor }: Config,
  sources: {
    readonly rims: RimSource
    readonly ocsp: OcspAnswerSource
    readonly nras?: NrasSource
  },
): GpuTrust | undefined {
  if (policy.gpu === 'forbidden') return undefined
  const verifier = new GpuVerifier(gpuTrustAnchor, { signatures: nodeP384 })
  return gpuTrust({ verifier, ...sources })
}

/** NVIDIA's service, asked only where the policy wants its word: it learns which devices are judged. */
function nrasOf(
  { policy: { gpu }, gpuTrustAnchor, nrasUrl }: Config,
  logger: Logger,
): { readonly nras?: NrasSource } {
  if (gpu === 'forbidden' || gpu.appraisal === 'local' || nrasUrl === undefined) return {}
  const client = createNrasClient({
    fetch,
    baseUrl: nrasUrl,
    now: () => new Date(),
    onFailure: ({ code }) => logger.warn({ code }, 'no word of the attestation service'),
  })
  return { nras: nrasSource(client, gpuTrustAnchor) }
}

try {
  await main(
    parseConfig({ ...process.env, POLICY: process.env['POLICY'] ?? (await releasePolicyText()) }),
  )
} catch (error) {
  const isKnown =
    error instanceof ConfigError || error instanceof StoreError || error instanceof SponsorError
  process.stderr.write(`${isKnown ? error.message : 'the gateway could not start'}\n`)
  process.exit(1)
}
