import { mkdir } from 'node:fs/promises'
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
import { createReadiness } from './readiness.ts'
import { readOwnProvider, whileUnavailable } from './registration/own-records.ts'
import { createRegistrar } from './registration/registrar.ts'
import { attestationRoutes } from './routes/attestation.ts'
import { healthRoute } from './routes/health.ts'
import { metricsRoute } from './routes/metrics.ts'
import { modelsRoute } from './routes/models.ts'
import { openApiRoute } from './routes/openapi.ts'
import { promptRoutes } from './routes/prompts.ts'
import { keysetNotAfter } from './statement/keyset-lifetime.ts'
import { createIdentity, type NodeIdentity } from './statement/node-identity.ts'

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
  const chain = parts.connectChain(keys.signerKey)
  const identity = await makeIdentity(config, parts, { chain, keys, instanceId })
  const { bindingId } = identity
  logger.info({ bindingId, signer: keys.signer }, 'statement made')

  const { registry, serving } = domains(config)
  const attester = createAttester({ agent, identity, keys, appCompose, now })
  // No quote over its own keys, no node (attack N1): whatever is missing shows now and not at the first challenge.
  await attester.attest({ kind: 'challenge', nonce: toHex(randomBytes32()) })
  const archive = await openEvidenceArchive(config.stateDir)
  const journal = await openJournal(config.stateDir, now)
  const { agentId, serviceId } = config
  const registration = { chain, registry, identity, keys, attester, archive, logger, now }
  const registrar = createRegistrar(registration)
  const readiness = createReadiness(() => registrar.registered)
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
  const app = createApp(
    [
      attestationRoutes(attester, archive),
      promptRoutes(answers, readiness, createBodyReader(BODY_LIMITS)),
      modelsRoute(engine, Math.floor(now().getTime() / 1000), price),
      healthRoute(identity, readiness, registrar),
      metricsRoute(metrics),
      openApiRoute(),
    ],
    logger,
    [countRequests(metrics)],
  )
  const stop = new AbortController()
  let running: Promise<unknown> = Promise.resolve()
  return {
    app,
    bindingId,
    start: () => {
      running = Promise.all([registrar.run(stop.signal), settler.run(stop.signal)])
    },
    drain: async () => {
      stop.abort()
      await readiness.drain(config.drainMs)
      await running
      await settler.settleNow()
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

/** Compares the registry with this node first, then states what both agree on. */
async function makeIdentity(
  config: Config,
  { engine, logger, now }: NodeParts,
  own: { readonly chain: NodeChain; readonly keys: NodeKeys; readonly instanceId: Uint8Array },
): Promise<NodeIdentity> {
  const model = engine.descriptor
  const { agentId, serviceId, publicUrl } = config
  const records = { agentId, serviceId, publicUrl, modelId: modelIdOf(model) }
  const { owner } = await whileUnavailable(logger, () => readOwnProvider(own.chain, records))
  return createIdentity({
    registry: domains(config).registry,
    agentId,
    operator: owner,
    instanceId: own.instanceId,
    keys: own.keys,
    model,
    egress: [new URL(config.rpcUrl).origin],
    keysetNotAfter: await keysetNotAfter(config.stateDir, now()),
  })
}
