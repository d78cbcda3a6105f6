import { ownEnvironment } from './settings/own-environment.ts'
import { once } from 'node:events'
import { createTurns } from './chain/turns.ts'
import { createCollateralClient } from '@jeju/verifier/collateral'
import { connectChain } from './chain/viem-chain.ts'
import { connectLogChain } from './chain/viem-log-chain.ts'
import { connectSettlementChain } from './chain/viem-settlement-chain.ts'
import { ConfigError, parseConfig } from './config.ts'
import { destinationsOf } from './egress/destinations.ts'
import { openEgress } from './egress/egress.ts'
import { guardConnections } from './egress/guard-connections.ts'
import { loadEmbeddedEngine } from './engine/embedded-engine.ts'
import { connectUpstreamEngine } from './engine/upstream/upstream-engine.ts'
import { openMachineGpus } from './gpu/machine-gpus.ts'
import { connectGuestAgent } from './guest-agent/dstack-guest-agent.ts'
import { listen } from './http/listen.ts'
import { endOnFault, muteLibraries } from './library-output.ts'
import { createLogger } from './logging.ts'
import { createNode } from './node.ts'

/** One node process: configuration from the environment, everything real, ends on SIGTERM after draining. */
async function main(): Promise<void> {
  const config = parseConfig(ownEnvironment)
  const logger = createLogger(config.logLevel)
  muteLibraries(console, logger)
  endOnFault(process, logger)
  // Before anything connects, and whatever is loaded later.
  const destinations = destinationsOf(config)
  guardConnections(destinations, ({ code, message }) => logger.error({ code }, message))
  const egress = openEgress(destinations)
  const agent = await connectGuestAgent(config.guestAgentSocket)
  const engine = await (config.upstream === undefined
    ? loadEmbeddedEngine(config.model)
    : connectUpstreamEngine(config.upstream))
  const now = (): Date => new Date()
  const gpus =
    config.gpu === 'required'
      ? await openMachineGpus(config.guestAgentSocket, config.gpuRoot, logger, now)
      : undefined
  const { deployment } = config
  const { fetch } = egress
  const rpcs = { urls: config.rpcUrls, fetch }
  const turns = createTurns()
  const collateral = createCollateralClient({ fetch, baseUrl: config.collateralUrl, now })
  const node = await createNode(config, {
    agent,
    gpus,
    engine,
    egress,
    connectChain: (signerKey) => connectChain(rpcs, deployment, signerKey, turns, collateral),
    connectSettlement: (signerKey, operator) =>
      connectSettlementChain({ rpcs, deployment, signerKey, operator, turns }),
    connectLog: (signerKey) => connectLogChain(rpcs, deployment, signerKey, turns),
    logger,
    now,
  })
  const listener = await listen(node.app, config.port, config.host, node.tls)
  // Loopback and nothing else: who asks is in this container.
  const figures =
    config.metricsPort === undefined
      ? undefined
      : await listen(node.figures, config.metricsPort, '127.0.0.1')
  node.start()
  logger.info({ port: listener.port, agentId: config.agentId.toString() }, 'listening')

  const signal = await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])
  logger.info({ signal: String(signal[0]) }, 'draining')
  await node.drain()
  await listener.close()
  await figures?.close()
  logger.info('drained')
}

/** Name, code and message; never a stack with values in it. */
function describe(error: unknown): string {
  if (error instanceof ConfigError) return error.message
  if (!(error instanceof Error)) return 'failed'
  const code = 'code' in error ? ` ${String(error.code)}` : ''
  return `${error.name}${code}: ${error.message}`
}

try {
  await main()
  process.exit(0)
} catch (error) {
  process.stderr.write(`${describe(error)}\n`)
  process.exit(1)
}
