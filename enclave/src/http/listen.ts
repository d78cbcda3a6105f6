import { once } from 'node:events'
import {
  createServer as createPlainServer,
  Server,
  STATUS_CODES,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { createServer as createTlsServer, Server as TlsServer } from 'node:https'
import type { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { createAdaptorServer } from '@hono/node-server'
import type { Hono } from 'hono'
import { NODE_ERRORS, NodeError } from './node-error.ts'
import { headRefusal, MAX_HEADERS, parseRefusal, refuse, refuseRaw } from './strict-requests.ts'

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
/** A request with its body has to be there by then. */
const REQUEST_TIMEOUT_MS = 60_000
/** How often the two are looked at; Node's own half a minute would make them longer than they say. */
const CHECK_MS = 1_000
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
    connectionsCheckingInterval: CHECK_MS,
    maxHeaderSize: MAX_HEADERS_BYTES,
    // Looked for by `strict`, whose refusal is a document.
    requireHostHeader: false,
  }
  const server = createAdaptorServer({
    fetch: app.fetch,
    createServer: (_: unknown, listener: Handler): Server | TlsServer =>
      tls === undefined
        ? createPlainServer(limits, strict(listener))
        : createTlsServer({ ...limits, ...secure(tls) }, strict(listener)),
  } as Parameters<typeof createAdaptorServer>[0])
  if (!(server instanceof Server || server instanceof TlsServer)) {
    throw new Error('expected an HTTP/1.1 server')
  }
  // One more than are taken: what is dropped is seen.
  server.maxHeadersCount = MAX_HEADERS + 1
  answerUnreadable(server)
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

type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** Answers what only this server sees of a request; the rest is for the app. */
function strict(handle: Handler): Handler {
  return (request, response) => {
    const refusal = headRefusal(request)
    if (refusal === undefined) handle(request, response)
    else refuse(response, refusal)
  }
}

/**
 * Requests that no app gets to see end with an error document, too. Whoever is in the middle of an answer gets no second
 * one: it would be read as the answer to something else.
 */
function answerUnreadable(server: Server | TlsServer): void {
  const latest = new WeakMap<
    Duplex,
    { readonly request: IncomingMessage; readonly response: ServerResponse }
  >()
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    latest.set(request.socket, { request, response })
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    const before = latest.get(socket)
    const isBetween =
      before === undefined ||
      (before.request.complete ? before.response.writableFinished : !before.response.headersSent)
    if (!socket.writable || error.code === 'ECONNRESET' || !isBetween) {
      socket.destroy()
      return
    }
    answerRaw(socket, parseRefusal(error))
  })
  server.on('checkExpectation', (_: IncomingMessage, response: ServerResponse) => {
    refuse(response, new NodeError('invalid_request', 'expect: expected 100-continue'))
  })
  server.on('connect', (_: IncomingMessage, socket: Duplex) => {
    socket.on('error', () => undefined)
    answerRaw(socket, new NodeError('method_not_allowed', 'this is no proxy'))
  })
}

function answerRaw(socket: Duplex, error: NodeError): void {
  refuseRaw(socket, error, STATUS_CODES[NODE_ERRORS[error.code].status] ?? '')
}

function secure({ privateKey, certificateChain }: ServerTls): {
  readonly key: string
  readonly cert: string
  readonly minVersion: 'TLSv1.3'
} {
  return { key: privateKey, cert: certificateChain.join('\n'), minVersion: 'TLSv1.3' }
}
