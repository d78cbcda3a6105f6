import type { RequestListener } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { DeploymentError } from '@jeju/contracts'
import { QuoteVerifier, type CollateralSource, type GpuTrust } from '@jeju/verifier'
import { nativeSignatures, nodeP256, verifyEd25519InPool } from '@jeju/verifier/node'
import type { Hono } from 'hono'
import { createLeases, type Leases } from './admission/leases.ts'
import type { NonceSource } from './admission/nonce-source.ts'
import type { ProviderConnection } from './admission/provider-connection.ts'
import { createTrackRecord } from './admission/track-record.ts'
import type { GatewayChain } from './chain/gateway-chain.ts'
import type { Config } from './config.ts'
import { createProviderDirectory } from './discovery/provider-directory.ts'
import { createRegistrationFiles } from './discovery/registration-files.ts'
import { createAnswerJudge } from './exchange/answer-judge.ts'
import { createExchange, type Exchange } from './exchange/exchange.ts'
import type { FundingSource } from './exchange/funding.ts'
import { createOwnFunding } from './exchange/own-funding.ts'
import { explorerRoutes, type ExplorerOwnParts } from './explorer/explorer-routes.ts'
import { createApp } from './http/app.ts'
import { createListener } from './http/listener.ts'
import type { ReceiptLedger } from './ledger/receipt-ledger.ts'
import type { Logger } from './logging.ts'
import { createMetrics } from './metrics.ts'
import { createPayers } from './payment/payers.ts'
import { createWalletLimits } from './payment/enter-wallet.ts'
import { createAnswerRecords } from './receipts/answer-records.ts'
import { createReceiptSigner } from './receipts/gateway-receipt.ts'
import { findingsRoute } from './routes/findings.ts'
import { healthRoute } from './routes/health.ts'
import { metricsRoute } from './routes/metrics.ts'
import { modelsRoute } from './routes/models.ts'
import { openApiRoute } from './routes/openapi.ts'
import { providersRoutes } from './routes/providers.ts'
import { receiptsRoutes } from './routes/receipts.ts'
import { routeRoute } from './routes/route.ts'
import { sessionsRoutes } from './routes/sessions.ts'
import { createFeatureReader } from './routing/features.ts'
import { createProviderHealth } from './routing/provider-health.ts'
import { createRouter } from './routing/router.ts'
import { createAccountFunding } from './sponsor/account-funding.ts'
import { NO_ACCOUNTS, type Accounts } from './sponsor/accounts.ts'
import { createExactVouchers, type ExactVouchers } from './sponsor/exact-vouchers.ts'
import type { OwnChannels } from './sponsor/own-channels.ts'
import { createSponsor } from './sponsor/sponsor.ts'
import { createLocalLimits } from './state/local-limits.ts'
import type { SharedState } from './state/shared-state.ts'
import type { GatewayStore } from './store/gateway-store.ts'
import type { Facilitator } from './x402/facilitator.ts'
import { createX402Funding } from './x402/x402-funding.ts'
import type { X402Settings } from './x402/x402-settings.ts'

/** What a gateway is built from; `main.ts` makes the real ones. */
export interface GatewayParts {
  readonly chain: GatewayChain
  readonly connection: ProviderConnection
  readonly collateral: CollateralSource
  /** Who judges GPUs, where the policy takes them. */
  readonly gpu: GpuTrust | undefined
  readonly store: GatewayStore
  /** What replicas have in common. */
  readonly shared: SharedState
  readonly nonces: NonceSource
  readonly ledger: ReceiptLedger
  /** Seed of the key that signs receipts of the gateway's own, 32 bytes; it gives none without it. */
  readonly receiptKey?: Uint8Array
  /** What the gateway pays nodes with itself, and for whom; it pays for nobody without it. */
  readonly sponsor?: SponsorOwnParts
  /** What the explorer is made of; none is served without it. */
  readonly explorer?: ExplorerOwnParts
  readonly logger: Logger
  readonly now: () => Date
}

/** Channels of the gateway's own, and who has a budget. */
export interface SponsorOwnParts extends OwnChannels {
  /** Wei. */
  readonly maxFeePerRequest: bigint
  readonly accounts: Accounts
  /** How anybody may pay for a request; nobody can without it. */
  readonly x402?: { readonly settings: X402Settings; readonly facilitator: Facilitator }
}

/** What a gateway is told from outside, as far as it concerns what it does. */
export type GatewaySettings = Pick<
  Config,
  'deployment' | 'policy' | 'trustAnchor' | 'pollIntervalMs' | 'limits'
>

/** A gateway that can be served. */
export interface Gateway {
  /** Everything but prompts. */
  readonly app: Hono
  /** Prompts and everything else. */
  readonly listener: RequestListener
  /** Discovers and judges once. */
  update(): Promise<void>
  /** Keeps doing so until the signal. */
  run(signal: AbortSignal): Promise<void>
  /** Takes no more prompts; those under way go on. */
  drain(): void
  /** Brings nodes what is still due to them, when no prompt is under way any more. */
  finish(): Promise<void>
}

/** An RPC service may be away for this and three polls more, before nobody is routed to. */
const MIN_CHAIN_AGE_MS = 60_000

/** Builds a gateway: chain → directory → leases → exchange. */
export function createGateway(config: GatewaySettings, parts: GatewayParts): Gateway {
  const { deployment, policy, trustAnchor, pollIntervalMs, limits } = config
  const {
    chain,
    connection,
    collateral,
    gpu,
    store,
    shared,
    nonces,
    ledger,
    receiptKey,
    sponsor,
    explorer,
    logger,
    now,
  } = parts
  const chainId = BigInt(deployment.chainId)
  const maxChainAgeMs = MIN_CHAIN_AGE_MS + 3 * pollIntervalMs
  const serving = { chainId, verifyingContract: deployment.inferenceServing }
  const registry = { chainId, verifyingContract: deployment.computeRegistry }
  const directory = createProviderDirectory(
    chain,
    BigInt(deployment.deployedAtBlock),
    store.discovery,
    { now, maxAgeMs: maxChainAgeMs },
  )
  const registrations = createRegistrationFiles(chain, now)
  const record = createTrackRecord()
  const records = receiptKey === undefined ? undefined : createAnswerRecords(now)
  const health = createProviderHealth(now)
  const featuresOf = createFeatureReader(connection)
  const metrics = createMetrics({
    leases: () => leases.current().length,
    providers: () => directory.providers().length,
    underWay: () => exchange.underWay,
    receiptsWaiting: () => ledger.waiting,
  })
  const leases: Leases = createLeases(
    directory,
    {
      connection,
      nonces,
      chain,
      collateral,
      policy,
      quoteVerifier: new QuoteVerifier(trustAnchor, { signatures: nodeP256 }),
      gpu,
      registry,
      now,
      maxChainAgeMs,
      store,
      shared,
      maxPerPlatform: limits.leasesPerPlatform,
      onJudgement: (judged) => {
        metrics.judgedProvider(judged.outcome)
        record.add(judged)
      },
    },
    logger,
  )
  const route = createRouter({ directory, leases, health, featuresOf })
  const payers = createPayers({ chain, serving, signatures: nativeSignatures, now, maxChainAgeMs })
  const sources: FundingSource[] = [createOwnFunding({ leases, payers, health, featuresOf })]
  let exact: ExactVouchers | undefined
  if (sponsor !== undefined) {
    const { fees } = store
    const { accounts, channels, x402 } = sponsor
    exact = createExactVouchers({ channels, leases, connection, serving, logger })
    const paying = createSponsor({ ...sponsor, exact, serving, route, fees, logger, now })
    sources.push(
      createAccountFunding({
        accounts,
        sponsor: paying,
        shared,
        signatures: nativeSignatures,
        serving,
        now,
      }),
    )
    if (x402 !== undefined) {
      const signatures = nativeSignatures
      sources.push(createX402Funding({ ...x402, sponsor: paying, shared, signatures, logger, now }))
    }
  }
  const exchange: Exchange = createExchange({
    leases,
    connection,
    health,
    sources,
    limits: createWalletLimits(limits.wallet, shared, createLocalLimits(limits.wallet, now)),
    ledger,
    judge: createAnswerJudge({
      leases,
      findings: store.findings,
      ledger,
      records,
      signatures: nativeSignatures,
      verifyEd25519: verifyEd25519InPool,
      serving,
      logger,
      now,
      onVerdict: metrics.judgedAnswer,
    }),
    logger,
    failoverAfterMs: limits.failoverAfterMs,
    maxUnderWay: limits.promptsUnderWay,
    onRetry: metrics.retried,
    onExchange: metrics.exchanged,
  })
  const app = createApp(
    [
      providersRoutes({ directory, leases, record, registrations, connection, registry }),
      routeRoute(route, health),
      sessionsRoutes(leases, store.sessions),
      modelsRoute(leases),
      findingsRoute(store.findings),
      ...(receiptKey === undefined || records === undefined
        ? []
        : [receiptsRoutes(records, createReceiptSigner(receiptKey, serving))]),
      metricsRoute(metrics),
      openApiRoute({
        receipts: receiptKey !== undefined,
        accounts: sponsor !== undefined && sponsor.accounts !== NO_ACCOUNTS,
        x402: sponsor?.x402 !== undefined,
      }),
      ...(explorer === undefined
        ? []
        : [
            explorerRoutes({
              ...explorer,
              registry,
              trustAnchor,
              collateral,
            }),
          ]),
      healthRoute(leases, () => exchange.isDraining),
    ],
    logger,
  )
  let checked = false
  const watch = async (): Promise<void> => {
    if (!checked) await chain.checkContracts()
    checked = true
    await chain.requireRecent(now())
    const unread = await directory.refresh()
    if (unread > 0) logger.warn({ unread }, 'providers could not be read')
    await leases.dropRevoked()
    store.prune(now().getTime())
  }
  const logFailure = (error: unknown): void => {
    const reason = error instanceof DeploymentError ? error.message : undefined
    logger.warn({ error: error instanceof Error ? error.name : '', reason }, 'update failed')
  }
  return {
    app,
    listener: createListener(app, exchange),
    update: async () => {
      await watch()
      await Promise.all([leases.judge(), registrations.refresh(directory.providers())])
    },
    run: async (signal) => {
      while (!signal.aborted) {
        // Not waited for: a provider that answers slowly must not delay the revocation of others (attack F3).
        await watch().then(() => {
          void leases.judge().catch(logFailure)
          void registrations.refresh(directory.providers())
        }, logFailure)
        await delay(pollIntervalMs, undefined, { signal }).catch(() => undefined)
      }
    },
    drain: exchange.drain,
    finish: async () => exact?.flush(),
  }
}
