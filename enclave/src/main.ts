import { serve } from '@hono/node-server'
import { connectChain } from './chain/viem-chain.ts'
import { ConfigError, parseConfig } from './config.ts'
import { loadEmbeddedEngine } from './engine/embedded-engine.ts'
import { connectGuestAgent } from './guest-agent/dstack-guest-agent.ts'
import { createLogger } from './logging.ts'
import { createNode } from './node.ts'

/** One node process: configuration from the environment, everything real, ends on SIGTERM after draining. */
async function main(): Promise<void> {
  const config = parseConfig(process.env)
  const logger = createLogger(config.logLevel)
  const agent = await connectGuestAgent(config.guestAgentSocket)
  const engine = await loadEmbeddedEngine(config.model)
  const node = await createNode(config, {
    agent,
    engine,
    connectChain: (signerKey) => connectChain(config.rpcUrl, config.deployment, signerKey),
    logger,
    now: () => new Date(),
  })
  const server = serve({ fetch: node.app.fetch, port: config.port, hostname: config.host })
  node.start()
  logger.info({ port: config.port, agentId: config.agentId.toString() }, 'listening')

  let draining = false
  const end = (): void => {
    if (draining) return
    draining = true
    logger.info('draining')
    node
      .drain()
      .then(() => {
        server.close()
        logger.info('drained')
        process.exit(0)
      })
      .catch((error: unknown) => {
        logger.error({ error: error instanceof Error ? error.name : '' }, 'drain failed')
        process.exit(1)
      })
  }
  process.on('SIGTERM', end)
  process.on('SIGINT', end)
}

main().catch((error: unknown) => {
  const text = error instanceof ConfigError ? error.message : describe(error)
  process.stderr.write(`${text}\n`)
  process.exit(1)
})

/** Name, code and message; never a stack with values in it. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'failed'
  const code = 'code' in error ? ` ${String(error.code)}` : ''
  return `${error.name}${code}: ${error.message}`
}
