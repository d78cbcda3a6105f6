import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { isPromptPath, MAX_REQUEST_BYTES } from '@jeju/verifier/protocol'
import { MODELS_PATH } from '../gateway/gateway-client.ts'
import { errorBody, toOpenAiError, type OpenAiError } from './openai-error.ts'
import { guardRequest, hostsOf } from './request-guard.ts'

/** A running local proxy. */
export interface RunningProxy {
  /** Base address, without `/v1`. */
  readonly url: string
  /** Ends listening and open connections. */
  close(): Promise<void>
}

/** How a proxy is served. */
export interface ProxyOptions {
  /** A fetch of `createFetch`: it verifies and pays. */
  readonly fetch: typeof fetch
  /** 0 takes a free one. */
  readonly port: number
  /** Address to listen on; `127.0.0.1` when absent. Whoever reaches it spends the wallet's money. */
  readonly host?: string
  /** Further `Host` headers to answer, with port; for a proxy that is reached under another name. */
  readonly allowedHosts?: readonly string[]
}

/**
 * Serves plain OpenAI clients and curl: no key, no verification of their own. What does not verify is a 502
 * `not_verified` while nothing was delivered, and a destroyed connection afterwards.
 */
export async function serveProxy(options: ProxyOptions): Promise<RunningProxy> {
  const { fetch, port, host = '127.0.0.1', allowedHosts = [] } = options
  const server = createServer()
  await listen(server, port, host)
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('proxy: no TCP port')
  const hosts = hostsOf(host, address.port, allowedHosts)
  server.on('request', (request, response) => {
    serve(request, response, fetch, hosts).catch((error: unknown) => fail(response, error))
  })
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  server.listen(port, host)
  await once(server, 'listening')
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  verified: typeof fetch,
  hosts: ReadonlySet<string>,
): Promise<void> {
  const { method = '', url = '' } = request
  const refusal = guardRequest(request.headers, method, hosts)
  if (refusal !== undefined) return refuse(response, refusal)
  const isPrompt = method === 'POST' && isPromptPath(url)
  if (!isPrompt && !(method === 'GET' && url === MODELS_PATH)) {
    const message = `expected POST of a prompt or GET ${MODELS_PATH}`
    return refuse(response, { status: 404, code: 'not_found', message })
  }
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  const body = isPrompt ? await readRequest(request) : undefined
  if (body === 'too large') {
    const message = `body: expected at most ${MAX_REQUEST_BYTES} bytes`
    return refuse(response, { status: 413, code: 'request_too_large', message })
  }
  const answer = await verified(url, {
    method,
    signal: gone.signal,
    ...(body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } }),
  })
  await pass(answer, response, gone.signal)
}

async function readRequest(
  request: IncomingMessage,
): Promise<Uint8Array<ArrayBuffer> | 'too large'> {
  const parts: Buffer[] = []
  let length = 0
  // Not destroyed on return: the refusal still has to reach the client.
  const arriving: AsyncIterable<Buffer> = request.iterator({ destroyOnReturn: false })
  for await (const part of arriving) {
    length += part.length
    if (length > MAX_REQUEST_BYTES) return 'too large'
    parts.push(part)
  }
  return new Uint8Array(Buffer.concat(parts))
}

/** Headers wait for the first bytes, so that what fails before them is still an error with a status. */
async function pass(
  answer: Response,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const reader = answer.body?.getReader()
  let next = await reader?.read()
  response.writeHead(answer.status, passedHeaders(answer.headers))
  response.flushHeaders()
  while (reader !== undefined && next?.value !== undefined) {
    if (!response.write(next.value)) await once(response, 'drain', { signal })
    next = await reader.read()
  }
  response.end()
}

function passedHeaders(headers: Headers): Record<string, string> {
  const passed: Record<string, string> = { 'cache-control': 'no-store' }
  for (const name of ['content-type', 'retry-after', 'x-should-retry']) {
    const value = headers.get(name)
    if (value !== null) passed[name] = value
  }
  return passed
}

function fail(response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) response.destroy()
  else refuse(response, toOpenAiError(error))
}

function refuse(response: ServerResponse, error: OpenAiError): void {
  response.writeHead(error.status, {
    'content-type': 'application/json',
    // Clients that repeat on 5xx would pay again.
    'x-should-retry': 'false',
    connection: 'close',
  })
  response.end(errorBody(error))
}
