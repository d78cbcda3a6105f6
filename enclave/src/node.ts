import { mkdir } from 'node:fs/promises'
import type { ContractDomain, Hex } from '@jeju/verifier/protocol'
import type { Hono } from 'hono'
import { createAttester } from './attestation/attester.ts'
import { openEvidenceArchive } from './attestation/evidence-archive.ts'
import type { NodeChain } from './chain/node-chain.ts'
import { createChatService } from './chat/chat-service.ts'
import type { Config } from './config.ts'
import type { Engine } from './engine/engine.ts'
import type { GuestAgent } from './guest-agent/guest-agent.ts'
import { createApp } from './http/app.ts'
import { deriveNodeKeys, type NodeKeys } from './keys/node-keys.ts'
import type { Logger } from './logging.ts'
import { createAuthoriser } from './payment/authorise.ts'
import { openJournal } from './payment/journal.ts'
import { createSettler } from './payment/settler.ts'
import { createReadiness } from './readiness.ts'
import { createRegistrar } from './registration/registrar.ts'
import { attestationRoutes } from './routes/attestation.ts'
import { chatCompletionsRoute } from './routes/chat-completions.ts'
import { healthRoute } from './routes/health.ts'
import { modelsRoute } from './routes/models.ts'
import { keysetNotAfter } from './statement/keyset-lifetime.ts'
import { createIdentity } from './statement/node-identity.ts'

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
  /** Refuses new requests, lets answers end, settles, and stops. */
  drain(): Promise<void>
}

/** Builds a node: keys from the platform, statement from the keys, everything else around the statement. */
export async function createNode(config: Config, parts: NodeParts): Promise<Node> {
  const { agent, engine, logger, now } = parts
  await mkdir(config.stateDir, { recursive: true })
  const info = await agent.info()
  const keys = await deriveNodeKeys(agent, info.instanceId)
  const chain = parts.connectChain(keys.signerKey)
  const { registry, serving } = domains(config)
  const identity = await createNodeIdentity(config, parts, chain, keys, info.instanceId)
  logger.info({ bindingId: identity.bindingId, signer: keys.signer }, 'statement made')

  const attester = createAttester(agent, identity, keys, info.appCompose)
  const archive = await openEvidenceArchive(config.stateDir)
  const registrar = createRegistrar({ chain, registry, identity, keys, attester, archive, logger })
  const readiness = createReadiness(() => registrar.registered)
  const journal = await openJournal(config.stateDir, now())
  const settler = createSettler(chain, journal, config.settleIntervalMs, logger)
  const { bindingId } = identity
  const { agentId, serviceId } = config
  const authoriser = createAuthoriser({
    chain,
    journal,
    serving,
    bindingId,
    agentId,
    serviceId,
    now,
  })
  const chat = createChatService(engine, authoriser, { identity, keys, serving, journal, now })
  const app = createApp(
    [
      attestationRoutes(attester, archive),
      chatCompletionsRoute(chat, readiness),
      modelsRoute(engine.descriptor, Math.floor(now().getTime() / 1000)),
      healthRoute(identity, readiness),
    ],
    logger,
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
      readiness.drain()
      await readiness.idle()
      stop.abort()
      await running
      await settler.settleNow()
      await journal.close()
      await engine.close()
    },
  }
}

function domains(config: Config): {
  readonly registry: ContractDomain
  readonly serving: ContractDomain
} {
  const { chainId, computeRegistry, inferenceServing } = config.deployment
  return {
    registry: { chainId: BigInt(chainId), verifyingContract: computeRegistry },
    serving: { chainId: BigInt(chainId), verifyingContract: inferenceServing },
  }
}

async function createNodeIdentity(
  config: Config,
  { engine, now }: NodeParts,
  chain: NodeChain,
  keys: NodeKeys,
  instanceId: Uint8Array,
): Promise<ReturnType<typeof createIdentity>> {
  const operator = await chain.ownerOf(config.agentId)
  if (operator === undefined) {
    throw new Error(`agent ${config.agentId} is not a registered provider on this chain`)
  }
  const identity = createIdentity({
    registry: domains(config).registry,
    agentId: config.agentId,
    operator,
    instanceId,
    keys,
    model: engine.descriptor,
    egress: [new URL(config.rpcUrl).origin],
    keysetNotAfter: await keysetNotAfter(config.stateDir, now()),
  })
  const service = await chain.service(config.agentId, config.serviceId)
  if (service.modelId !== identity.modelId) {
    throw new Error(
      `service ${config.serviceId} offers model ${service.modelId}, this node serves ${identity.modelId}`,
    )
  }
  return identity
}
