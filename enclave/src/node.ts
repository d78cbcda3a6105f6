import { mkdir } from 'node:fs/promises'
import { INTEL_PCS_URL, INTEL_ROOT_CRL_URL } from '@jeju/verifier/collateral'
import {
  modelIdOf,
  PROMPT_ENDPOINTS,
  randomBytes32,
  toHex,
  type ContractDomain,
  type Hex,
} from '@jeju/verifier/protocol'
import type { Hono } from 'hono'
import { createAnswerService } from './answer/answer-service.ts'
import { createWalletLimits } from './answer/wallet-limits.ts'
import { createAttester } from './attestation/attester.ts'
import { openEvidenceArchive } from './attestation/evidence-archive.ts'
import { createQuotes } from './attestation/quotes.ts'
import type { NodeChain } from './chain/node-chain.ts'
import type { Config } from './config.ts'
import type { Engine } from './engine/engine.ts'
import type { GuestAgent } from './guest-agent/guest-agent.ts'
import { createApp } from './http/app.ts'
import { countRequests } from './http/count-requests.ts'
import { createBodyReader } from './http/read-body.ts'
import { deriveNodeKeys, type NodeKeys } from './keys/node-keys.ts'
import type { Logger } from './logging.ts'
import { createMetrics } from './metrics.ts'
import { createAuthoriser } from './payment/authorise.ts'
import { createCurrentPrice } from './payment/current-price.ts'
import { openJournal } from './payment/journal.ts'
import { createSettler } from './payment/settler.ts'
import { openProofs } from './proofs.ts'
import { createReadiness } from './readiness.ts'
import { readOwnProvider, whileUnavailable } from './registration/own-records.ts'
import { createRegistrar } from './registration/registrar.ts'
import { healthRoute } from './routes/health.ts'
import { metricsRoute } from './routes/metrics.ts'
import { modelsRoute } from './routes/models.ts'
import { openApiRoute } from './routes/openapi.ts'
import { promptRoutes } from './routes/prompts.ts'
import { keysetNotAfter } from './statement/keyset-lifetime.ts'
import { createIdentity, type NodeIdentity } from './statement/node-identity.ts'
import { openTlsKey, type TlsKey } from './tls/tls-key.ts'

/** What a node is built from; `main.ts` makes the real ones. */
export interface NodeParts {
  readonly agent: GuestAgent
  readonly engine: Engine
  /** The chain, sending from the node's own signer. */
  readonly connectChain: (signerKey: Uint8Array) => NodeChain
  readonly logger: Logger
  readonly now: () => Date
}

/** A node that can be served and drained. */
export interface Node {
  readonly app: Hono
  readonly bindingId: Hex
  /** What the port has to be served with, where TLS ends here. */
  readonly tls: TlsKey | undefined
  /** Registers and settles in the background until drained. */
  start(): void
  /** Refuses new requests, lets answers end (or cuts them in time), settles, and stops. */
  drain(): Promise<void>
}

/** Paths that the metrics tell apart, besides those of prompts. */
const PLAIN_PATHS = ['/v1/attestation', '/v1/models', '/health']
/** 128 MiB of bodies at most, whoever sends them. */
const BODY_LIMITS = { timeoutMs: 30_000, concurrent: 128 }

/** Builds a node: keys from the platform, statement from the keys, everything else around the statement. */
export async function createNode(config: Config, parts: NodeParts): Promise<Node> {
  const { agent, engine, logger, now } = parts
  await mkdir(config.stateDir, { recursive: true })
  const { instanceId, appCompose } = await agent.info()
  const keys = await deriveNodeKeys(agent, instanceId)
  const domain = new URL(config.publicUrl).hostname
  const tls =
    config.tls === 'here' ? await openTlsKey(agent, config.stateDir, domain, now()) : undefined
  const chain = parts.connectChain(keys.signerKey)
  const identity = await makeIdentity(config, parts, { chain, keys, instanceId, tls })
  const { bindingId } = identity
  logger.info({ bindingId, signer: keys.signer }, 'statement made')

  const { registry, serving } = domains(config)
  const quotes = createQuotes({ agent, logger, now })
  const attester = createAttester({ quotes, identity, keys, appCompose })
  // No quote over its own keys, no node (attack N1): whatever is missing shows now and not at the first challenge.
  await attester.attest({ kind: 'challenge', nonce: toHex(randomBytes32()) })
  const archive = await openEvidenceArchive(config.stateDir)
  const journal = await openJournal(config.stateDir, now)
  const { agentId, serviceId } = config
  const registration = { chain, registry, identity, keys, attester, archive, logger, now }
  const registrar = createRegistrar(registration)
  // A node that cannot prove itself takes nothing new.
  const readiness = createReadiness(() => registrar.registered && quotes.healthy)
  const settler = createSettler(chain, journal, config.settleIntervalMs, logger)
  const payment = { chain, journal, serving, bindingId, agentId, serviceId, now }
  const authoriser = createAuthoriser(payment)
  const metrics = createMetrics([...Object.keys(PROMPT_ENDPOINTS), ...PLAIN_PATHS], {
    admitted: () => engine.admitted,
    underWay: () => readiness.underWay,
  })
  const limits = createWalletLimits(config.walletLimits, now)
  const books = { identity, keys, serving, journal, logger, now }
  const answers = createAnswerService({ ...books, engine, authoriser, limits, metrics })
  const price = createCurrentPrice(chain, { agentId, serviceId }, now)
  const proofs = await openProofs({
    config,
    quotes,
    attester,
    archive,
    identity,
    keys,
    appCompose,
    tls,
    readiness,
    bodies: createBodyReader(BODY_LIMITS),
    logger,
    now,
  })
  const app = createApp(
    [
      ...proofs.routes,
      promptRoutes(answers, readiness),
      modelsRoute(engine, Math.floor(now().getTime() / 1000), price),
      healthRoute(identity, readiness, registrar),
      metricsRoute(metrics),
      openApiRoute(),
    ],
    logger,
    [countRequests(metrics), ...proofs.around],
  )
  const stop = new AbortController()
  let running: Promise<unknown> = Promise.resolve()
  return {
    app,
    bindingId,
    tls,
    start: () => {
      const { signal } = stop
      running = Promise.all([registrar.run(signal), settler.run(signal), quotes.watch(signal)])
    },
    drain: async () => {
      stop.abort()
      await readiness.drain(config.drainMs)
      await running
      await settler.settleNow()
      await proofs.flush()
      await journal.close()
      await engine.close()
    },
  }
}

function domains({ deployment }: Config): {
  readonly registry: ContractDomain
  readonly serving: ContractDomain
} {
  const chainId = BigInt(deployment.chainId)
  return {
    registry: { chainId, verifyingContract: deployment.computeRegistry },
    serving: { chainId, verifyingContract: deployment.inferenceServing },
  }
}

/** Origins that this node connects to: the chain, and where quotes are judged there, a service of collateral. */
function egressOf({ rpcUrl, deployment, collateralUrl }: Config): readonly string[] {
  const asked =
    collateralUrl === INTEL_PCS_URL ? [INTEL_PCS_URL, INTEL_ROOT_CRL_URL] : [collateralUrl]
  const urls = deployment.tdx === undefined ? [rpcUrl] : [rpcUrl, ...asked]
  return [...new Set(urls.map((url) => new URL(url).origin))]
}

/** Compares the registry with this node first, then states what both agree on. */
async function makeIdentity(
  config: Config,
  { engine, logger, now }: NodeParts,
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
    egress: egressOf(config),
    keysetNotAfter: await keysetNotAfter(config.stateDir, now()),
    tls: own.tls,
    prompts: config.prompts,
  })
}
