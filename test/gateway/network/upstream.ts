import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { createServer as createTcpServer, type Server } from 'node:net'
import { onTestFinished } from 'vitest'
import { selfSigned } from './self-signed.ts'

/** An HTTP server on loopback, gone when the test is over. */
export async function serveHttp(listener: RequestListener): Promise<string> {
  const { origin, close } = await startHttp(listener)
  onTestFinished(close)
  return origin
}

/** The same for several tests, until it is closed. */
export async function startHttp(
  listener: (...exchange: Parameters<RequestListener>) => void | Promise<void>,
): Promise<{ readonly origin: string; readonly close: () => Promise<void> }> {
  const server = createServer((request, response) => {
    void (async () => listener(request, response))().catch(() => response.destroy())
  })
  const origin = await listening(server)
  return {
    origin,
    close: async () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** The same over TLS with a certificate that nobody vouches for. */
export async function serveUnknownTls(listener: RequestListener): Promise<string> {
  const server = createTlsServer(selfSigned, listener)
  const origin = await listen(server)
  onTestFinished(() => server.closeAllConnections())
  return origin.replace('http:', 'https:')
}

/** A server that answers any request with these bytes. */
export async function serveBytes(bytes: string): Promise<string> {
  return listen(
    createTcpServer((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', () => socket.write(bytes))
    }),
  )
}

async function listen(server: Server): Promise<string> {
  onTestFinished(() => void server.close())
  return listening(server)
}

async function listening(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('expected a port')
  return `http://127.0.0.1:${address.port}`
}

export async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const part of request) parts.push(part)
  return new Uint8Array(Buffer.concat(parts))
}
