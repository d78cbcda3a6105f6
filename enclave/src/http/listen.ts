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
/** Headers have to be there by then, and are no larger than this; an authorisation takes 8 KiB at most. */
const HEADERS_TIMEOUT_MS = 10_000
const MAX_HEADERS_BYTES = 16 * 1024
const MAX_HEADERS = 64
/** A request with its body has to be there by then. */
const REQUEST_TIMEOUT_MS = 60_000
const MAX_CONNECTIONS = 4_096

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
  const limits = {
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    maxHeaderSize: MAX_HEADERS_BYTES,
  }
  const server = createAdaptorServer({
    fetch: app.fetch,
    ...(tls === undefined
      ? { serverOptions: limits }
      : { createServer: createTlsServer, serverOptions: { ...limits, ...secure(tls) } }),
  })
  if (!(server instanceof Server || server instanceof TlsServer)) {
    throw new Error('expected an HTTP/1.1 server')
  }
  server.maxHeadersCount = MAX_HEADERS
  server.maxConnections = MAX_CONNECTIONS
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
  readonly key: string
  readonly cert: string
  readonly minVersion: 'TLSv1.3'
} {
  return { key: privateKey, cert: certificateChain.join('\n'), minVersion: 'TLSv1.3' }
}
