import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { serve, type ServerType } from '@hono/node-server'
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
  await once(server, 'listening')
  node.start()
  logger.info({ port: config.port, agentId: config.agentId.toString() }, 'listening')

  const signal = await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])
  logger.info({ signal: String(signal[0]) }, 'draining')
  await node.drain()
  await close(server)
  logger.info('drained')
}

/** How long the last answers may take to leave the socket. */
const CLOSE_TIMEOUT_MS = 2_000

async function close(server: ServerType): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  if ('closeIdleConnections' in server) server.closeIdleConnections()
  await Promise.race([closed, delay(CLOSE_TIMEOUT_MS)])
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
