import {
  modelIdOf,
  PROMPT_ENDPOINTS,
  ZERO_DIGEST,
  type ContractDomain,
  type Hex,
} from '@jeju/verifier/protocol'
import type { Hono } from 'hono'
import { createAnswerService } from './answer/answer-service.ts'
import { createWalletLimits } from './answer/wallet-limits.ts'
import { createAttester } from './attestation/attester.ts'
import { createEvidenceArchive } from './attestation/evidence-archive.ts'
import { createQuotes, type Quotes } from './attestation/quotes.ts'
import { requireOwnEvidence } from './attestation/own-evidence.ts'
import { createArchiveQueue } from './archive/archive-queue.ts'
import { archiveTags, openArchive } from './archive/open-archive.ts'
import type { LogChain } from './chain/log-chain.ts'
import type { NodeChain } from './chain/node-chain.ts'
import type { SettlementChain } from './chain/settlement-chain.ts'
import type { Config } from './config.ts'
import type { Egress } from './egress/egress.ts'
import type { Engine } from './engine/engine.ts'
import { GpuError } from './gpu/gpu-error.ts'
import type { Gpus } from './gpu/gpus.ts'
import type { GuestAgent } from './guest-agent/guest-agent.ts'
import { createApp } from './http/app.ts'
import { countRequests } from './http/count-requests.ts'
import { createBodyReader } from './http/read-body.ts'
import { deriveNodeKeys, type NodeKeys } from './keys/node-keys.ts'
import type { Logger } from './logging.ts'
import { createMetrics } from './metrics.ts'
import { createAuthoriser } from './payment/authorise.ts'
import { createCurrentPrice } from './payment/current-price.ts'
import { earlierLifeEnd } from './payment/earlier-life.ts'
import { openJournal } from './payment/journal.ts'
import { openReleaseHolds } from './payment/release-holds.ts'
import { openProofs } from './proofs.ts'
import { createReadiness, type Obstacle } from './readiness.ts'
import { createReceiptLog } from './receipt-log/receipt-log.ts'
import { readOwnProvider, whileUnavailable } from './registration/own-records.ts'
import { createRegistrar, type Registrar } from './registration/registrar.ts'
import { healthRoute } from './routes/health.ts'
import { inclusionRoute } from './routes/inclusion.ts'
import { releaseRoute } from './routes/release.ts'
import { metricsRoute } from './routes/metrics.ts'
import { modelsRoute } from './routes/models.ts'
import { openApiRoute } from './routes/openapi.ts'
import { promptRoutes } from './routes/prompts.ts'
import { voucherRoute } from './routes/voucher.ts'
import { openSettlementQueue } from './settlement/settlement-queue.ts'
import { requireMeasuredSettings } from './settings/host-settings.ts'
import { keysetNotAfter } from './statement/keyset-lifetime.ts'
import { createIdentity, type NodeIdentity } from './statement/node-identity.ts'
import { openStore } from './storage/store.ts'
import { openTlsKey, type TlsKey } from './tls/tls-key.ts'
import { withIn } from './within.ts'

/** What a node is built from; `main.ts` makes the real ones. */
export interface NodeParts {
  readonly agent: GuestAgent
  /** Undefined on a CPU-only node, which says so. */
  readonly gpus?: Gpus | undefined
  readonly engine: Engine
  /** Whom this node connects to: stated as it is enforced. */
  readonly egress: Egress
  /** The chain, sending from the node's own signer. */
  readonly connectChain: (signerKey: Uint8Array) => NodeChain
  /** The same, to be paid: fees are the operator's. */
  readonly connectSettlement: (signerKey: Uint8Array, operator: Hex) => SettlementChain
  /** The same, for the log of receipts. */
  readonly connectLog: (signerKey: Uint8Array) => LogChain
  readonly logger: Logger
  readonly now: () => Date
}

/** A node that can be served and drained. */
export interface Node {
  readonly app: Hono
  /** Its figures, exact to the token: for the machine alone, never for a port that others reach. */
  readonly figures: Hono
  readonly bindingId: Hex
  /** What the port has to be served with, where TLS ends here. */
  readonly tls: TlsKey | undefined
  /** Registers and settles in the background until drained. */
  start(): void
  /** Refuses new requests, lets answers end (or cuts them in time), settles, and stops. */
  drain(): Promise<void>
}

/** Paths that the metrics tell apart, besides those of prompts. */
const PLAIN_PATHS = ['/v1/attestation', '/v1/models', '/v1/release', '/v1/voucher', '/health']
/**
 * What the steps of an end have, within the 30 s that a container gets: an RPC or an archive that hangs holds none of
 * them. What they do not get done waits on disk, or is known to the chain.
 */
const STEP_GRACE_MS = 2_000
const SETTLE_GRACE_MS = 6_000
const LOG_GRACE_MS = 5_000
/** About 150 MiB of bodies at most, whoever sends them. */
const BODY_LIMITS = { timeoutMs: 30_000, concurrent: 128, ofOneOwner: 32, ofStrangers: 16 }

/** Builds a node: keys from the platform, statement from the keys, everything else around the statement. */
export async function createNode(config: Config, parts: NodeParts): Promise<Node> {
  const { agent, engine, gpus, logger, now } = parts
  if ((config.gpu === 'required') !== (gpus !== undefined)) {
    throw new GpuError('GPU_NO_SOURCE', `GPU: ${config.gpu}, and the opposite was opened`)
  }
  const store = await openStore(config.stateDir)
  const { instanceId, appCompose } = await agent.info()
  requireMeasuredSettings(appCompose)
  const keys = await deriveNodeKeys(agent, instanceId)
  const domain = new URL(config.publicUrl).hostname
  const tls =
    config.tls === 'here' ? await openTlsKey(agent, config.stateDir, domain, now()) : undefined
  const chain = parts.connectChain(keys.signerKey)
  const identity = await makeIdentity(config, parts, { chain, keys, instanceId, tls })
  const { bindingId } = identity
  logger.info({ bindingId, signer: keys.signer }, 'statement made')

  const { registry, serving, ledger, roots } = domains(config)
  const quotes = createQuotes({ agent, logger, now })
  const attester = createAttester({ quotes, gpus, identity, keys, appCompose })
  // No quote over its own keys, no node (attack N1): whatever is missing shows now and not at the first challenge.
  await requireOwnEvidence({ attester, identity, registry, tdx: config.deployment.tdx, now })
  const archive = createEvidenceArchive(store, now)
  const journal = await openJournal(store, now)
  const { agentId, serviceId } = config
  const devices = gpus?.devices ?? []
  const registration = { chain, registry, identity, keys, attester, archive, logger, now }
  const registrar = createRegistrar({ ...registration, devices })
  // A node that cannot prove itself takes nothing new.
  const readiness = createReadiness(() => obstacleOf(registrar, quotes, gpus, engine))
  const holds = await openReleaseHolds({ store, chain, journal, ledger, serving, agentId, now })
  const payment = { chain, journal, holds, serving, bindingId, agentId, serviceId, now }
  const earlierEnd = await whileUnavailable(logger, () => earlierLifeEnd(chain, bindingId, now()))
  const authoriser = createAuthoriser({ ...payment, earlierLifeEnd: earlierEnd })
  const metrics = createMetrics([...Object.keys(PROMPT_ENDPOINTS), ...PLAIN_PATHS], {
    admitted: () => engine.admitted,
    underWay: () => readiness.underWay,
    waiting: () => journal.waitingCount,
  })
  const settlements = await openSettlementQueue({
    ...config.settlement,
    intervalMs: config.settleIntervalMs,
    chain: parts.connectSettlement(keys.signerKey, identity.statement.operator),
    channels: chain,
    holds,
    journal,
    store,
    metrics,
    logger,
    now,
  })
  const shared = { store, metrics, logger, now }
  const queue = createArchiveQueue({
    ...shared,
    archive: openArchive(config.archive, keys.signerKey, parts.egress.fetch),
    tags: archiveTags(agentId, bindingId),
  })
  const log = createReceiptLog({
    ...shared,
    chain: parts.connectLog(keys.signerKey),
    queue,
    roots,
    agentId,
    signer: keys.signer,
    epochS: config.receiptEpochS,
    confirmations: config.settlement.confirmations,
  })
  const limits = createWalletLimits(config.walletLimits, now)
  const books = { identity, keys, serving, journal, log, logger, now }
  const answers = createAnswerService({
    ...books,
    engine,
    authoriser,
    limits,
    streamIntervalMs: config.streamIntervalMs,
    metrics,
  })
  const price = createCurrentPrice(chain, { agentId, serviceId }, now)
  const bodies = createBodyReader(BODY_LIMITS)
  const proofs = await openProofs({
    config,
    quotes,
    gpus,
    attester,
    archive,
    store,
    identity,
    keys,
    appCompose,
    tls,
    readiness,
    bodies,
    authoriser,
    logger,
    now,
  })
  const app = createApp(
    [
      ...proofs.routes,
      promptRoutes(answers, readiness),
      modelsRoute(engine, Math.floor(now().getTime() / 1000), price),
      healthRoute(identity, readiness, registrar),
      inclusionRoute(log),
      releaseRoute(holds),
      voucherRoute({ store, vouchers: journal.vouchers, serving }),
      openApiRoute(),
    ],
    logger,
    [countRequests(metrics), ...proofs.around],
  )
  const stop = new AbortController()
  let running: Promise<unknown> = Promise.resolve()
  let keeping: Promise<unknown> = Promise.resolve()
  return {
    app,
    figures: createApp([metricsRoute(metrics)], logger),
    bindingId,
    tls,
    start: () => {
      const { signal } = stop
      running = Promise.all([
        registrar.run(signal),
        settlements.run(signal),
        quotes.watch(signal),
        gpus?.watch(signal),
        engine.watch?.(signal),
      ])
      keeping = Promise.all([log.run(signal), queue.run(signal)])
    },
    drain: async () => {
      stop.abort()
      await readiness.drain(config.drainMs)
      // A registration that is on its way may wait for a block, or for a guest agent.
      await withIn(running, STEP_GRACE_MS)
      // What nobody can do later comes first: who is killed on the way has lost the least.
      await withIn(settlements.settleNow(true), SETTLE_GRACE_MS)
      await proofs.flush()
      await withIn(keeping, STEP_GRACE_MS)
      const grace = AbortSignal.timeout(LOG_GRACE_MS)
      await log.finish(grace)
      await queue.work(grace)
      await store.close()
      await engine.close()
    },
  }
}

/** What keeps this node from taking requests: it proves nothing to anybody, or nobody may pay it yet. */
function obstacleOf(
  registrar: Registrar,
  quotes: Quotes,
  gpus: Gpus | undefined,
  engine: Engine,
): Obstacle | undefined {
  if (!quotes.healthy) return 'quotes'
  if (engine.healthy === false) return 'engine'
  if (gpus?.healthy === false) {
    return gpus.failure instanceof GpuError ? gpus.failure.code : 'GPU_DRIVER'
  }
  return registrar.registered ? undefined : 'binding'
}

function domains({ deployment }: Config): {
  readonly registry: ContractDomain
  readonly serving: ContractDomain
  readonly ledger: ContractDomain
  readonly roots: ContractDomain
} {
  const chainId = BigInt(deployment.chainId)
  return {
    registry: { chainId, verifyingContract: deployment.computeRegistry },
    serving: { chainId, verifyingContract: deployment.inferenceServing },
    ledger: { chainId, verifyingContract: deployment.ledgerManager },
    roots: { chainId, verifyingContract: deployment.receiptRoots },
  }
}

/** Compares the registry with this node first, then states what both agree on. */
async function makeIdentity(
  config: Config,
  { engine, egress, gpus, logger, now }: NodeParts,
  own: {
    readonly chain: NodeChain
    readonly keys: NodeKeys
    readonly instanceId: Uint8Array
    readonly tls: TlsKey | undefined
  },
): Promise<NodeIdentity> {
  const model = engine.descriptor
  const { agentId, serviceId, publicUrl } = config
  const records = { agentId, serviceId, publicUrl, modelId: modelIdOf(model) }
  await whileUnavailable(logger, () => own.chain.checkContracts())
  const { owner } = await whileUnavailable(logger, () => readOwnProvider(own.chain, records))
  return createIdentity({
    registry: domains(config).registry,
    agentId,
    operator: owner,
    instanceId: own.instanceId,
    keys: own.keys,
    model,
    egress: egress.outside,
    keysetNotAfter: await keysetNotAfter(config.stateDir, now()),
    tls: own.tls,
    gpuDevicesDigest: gpus?.devicesDigest ?? ZERO_DIGEST,
    prompts: config.prompts,
  })
}
