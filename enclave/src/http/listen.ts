import { once } from 'node:events'
import { Server } from 'node:http'
import { createServer as createTlsServer, Server as TlsServer } from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'
import { createAdaptorServer } from '@hono/node-server'
import type { Hono } from 'hono'

/** A port that answers. */
export interface Listener {
  /** The port taken, where 0 was asked for. */
  readonly port: number
  /** Takes no new connection and lets the last bytes leave, for two seconds at most. */
  close(): Promise<void>
}

/** Key and certificates of a server that ends TLS itself; PEM. */
export interface ServerTls {
  readonly privateKey: string
  /** Leaf first. */
  readonly certificateChain: readonly string[]
}

const CLOSE_TIMEOUT_MS = 2_000

/**
 * Serves an app over HTTP, or HTTPS with `tls`; the only file that knows the server. Rejects when the port cannot be
 * taken.
 */
export async function listen(
  app: Hono,
  port: number,
  host: string,
  tls?: ServerTls,
): Promise<Listener> {
  const server = createAdaptorServer({ fetch: app.fetch, ...(tls && secure(tls)) })
  if (!(server instanceof Server || server instanceof TlsServer)) {
    throw new Error('expected an HTTP/1.1 server')
  }
  server.listen(port, host)
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeIdleConnections()
      const timer = new AbortController()
      const late = delay(CLOSE_TIMEOUT_MS, undefined, { signal: timer.signal })
      await Promise.race([closed, late.catch(() => undefined)])
      timer.abort()
      server.closeAllConnections()
    },
  }
}

function secure({ privateKey, certificateChain }: ServerTls): {
  readonly createServer: typeof createTlsServer
  readonly serverOptions: {
    readonly key: string
    readonly cert: string
    readonly minVersion: 'TLSv1.3'
  }
} {
  const serverOptions = {
    key: privateKey,
    cert: certificateChain.join('\n'),
    minVersion: 'TLSv1.3',
  } as const
  return { createServer: createTlsServer, serverOptions }
}
