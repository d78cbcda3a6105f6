import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

/** A gateway that listens. */
export interface RunningServer {
  readonly port: number
  /** Takes no new connection, lets answers under way end, and breaks off what is left after `graceMs`. */
  close(graceMs: number): Promise<void>
}

/** A whole request: a body that trickles holds a place no longer. */
const REQUEST_TIMEOUT_MS = 60_000
const HEADERS_TIMEOUT_MS = 15_000
/** Longer than the usual balancer's, so that it is the one who closes. */
const KEEP_ALIVE_MS = 75_000

/** Listens; port 0 takes a free one. */
export async function startServer(
  listener: RequestListener,
  host: string,
  port: number,
): Promise<RunningServer> {
  const server = createServer(
    {
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
    listener,
  )
  server.listen(port, host)
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('expected a port')
  return {
    port: address.port,
    close: async (graceMs) => {
      const closed = once(server, 'close')
      server.close()
      server.closeIdleConnections()
      const timer = new AbortController()
      const late = delay(graceMs, undefined, { signal: timer.signal }).then(
        () => server.closeAllConnections(),
        () => undefined,
      )
      await closed
      timer.abort()
      await late
    },
  }
}
