import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { SimulatedTd } from '../td/simulated-td.ts'
import type { AgentGpus } from './attest-gpu.ts'
import { v0Methods } from './v0.ts'
import { v1Methods } from './v1.ts'
import { AgentError, asciiJson, type Fields, type Method } from './wire.ts'

/** A guest agent that listens on a Unix socket. */
export interface GuestAgentServer {
  readonly socketPath: string
  close(): Promise<void>
}

const MAX_BODY_BYTES = 10 * 1024 * 1024

/**
 * Serves a TD's guest agent on a Unix socket: v0 on `/X`; with profile 0.6.0 also on `/v0/X`, and v1 on `/v1/X`, which
 * asks the GPUs where the machine has some. What the published SDK demands of the wire (exact Content-Length, ASCII, no chunks) holds for every answer.
 */
export async function serveGuestAgent(
  td: SimulatedTd,
  socketPath: string,
  gpus?: AgentGpus,
): Promise<GuestAgentServer> {
  const v0 = v0Methods(td)
  const mounts = new Map<string, ReadonlyMap<string, Method>>([
    ['', v0],
    ...(td.profile === '0.6.0'
      ? ([
          ['v0', v0],
          ['v1', v1Methods(td, gpus)],
        ] as const)
      : []),
  ])
  const server = createServer((request, response) => {
    answer(mounts, request).then(
      ({ status, body }) => send(response, status, 'application/json', asciiJson(body)),
      (error: unknown) => {
        // What is left of a refused body would otherwise be read as the next request.
        if (!request.complete) response.setHeader('Connection', 'close')
        if (error instanceof NoSuchMount) send(response, 404, 'text/html', '<h1>404</h1>')
        else if (error instanceof AgentError) {
          send(response, error.status, 'application/json', asciiJson({ error: error.message }))
        } else send(response, 400, 'application/json', asciiJson({ error: 'internal error' }))
      },
    )
  })
  server.listen(socketPath)
  await once(server, 'listening')
  const closed = once(server, 'close')
  return {
    socketPath,
    close: async () => {
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

/** A path outside every mount answers with an HTML page, as dstack's server does. */
class NoSuchMount extends Error {}

async function answer(
  mounts: ReadonlyMap<string, ReadonlyMap<string, Method>>,
  request: IncomingMessage,
): Promise<{ readonly status: number; readonly body: unknown }> {
  if (request.method !== 'GET' && request.method !== 'POST') throw new NoSuchMount()
  const url = new URL(request.url ?? '/', 'http://guest-agent')
  const parts = url.pathname.split('/').slice(1)
  const name = parts.at(-1) ?? ''
  const methods = parts.length > 2 ? undefined : mounts.get(parts.slice(0, -1).join('/'))
  if (methods === undefined) throw new NoSuchMount()
  const method = methods.get(name)
  if (method === undefined) {
    // 0.5 cannot be told from a failing handler; 0.6 names the method.
    throw new AgentError(`Service not found: ${name}`, mounts.size > 1 ? 404 : 400)
  }
  const fields =
    request.method === 'GET' ? Object.fromEntries(url.searchParams) : await readFields(request)
  return { status: 200, body: await method(fields) }
}

async function readFields(request: IncomingMessage): Promise<Fields> {
  if (!/^application\/json *(;|$)/i.test(request.headers['content-type'] ?? '')) {
    throw new AgentError('invalid request: dstack reads this as protobuf, which is not simulated')
  }
  const body = await readBody(request)
  if (body.length === 0) return {}
  let value: unknown
  try {
    value = JSON.parse(body.toString('utf8'))
  } catch {
    throw new AgentError('invalid request: not JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new AgentError('invalid request: not an object')
  }
  return value as Fields
}

/** Up to the limit; above it the rest stays unread, and the connection open for the refusal. */
async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  const body: AsyncIterable<Buffer> = request.iterator({ destroyOnReturn: false })
  for await (const chunk of body) {
    length += chunk.length
    if (length > MAX_BODY_BYTES) throw new AgentError('body too large', 413)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': body.length })
  response.end(body)
}
