import { createHash } from 'node:crypto'
import { TLSSocket } from 'node:tls'
import { callbackify } from 'node:util'
import { buildConnector, Pool, type Dispatcher } from 'undici'
import type { EndSignal } from '../http/leaving.ts'
import { ArrivingBody, type AnswerBody } from './answer-body.ts'
import { EndpointError, isLiteral, parseEndpoint, resolveEndpoint } from './endpoint.ts'

/** A request to a provider. */
export interface ProviderRequest {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  readonly signal: EndSignal
  /** SHA-256 digests of the TLS keys that may answer, bare hex; none: any that the web's authorities vouch for. */
  readonly tlsKeys?: readonly string[]
}

/** What a provider answered; the body is the bytes on the wire, and has to be read or destroyed. */
export interface ProviderAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: AnswerBody
}

/** Connects to provider-written endpoints and nowhere else. */
export interface ProviderConnection {
  /** No redirects, no decoding; ends with the signal. Throws EndpointError or a network error. */
  send(endpoint: string, request: ProviderRequest): Promise<ProviderAnswer>
  /** Ends every connection. */
  close(): Promise<void>
}

/** How long a provider is waited for. */
interface Patience {
  /** TCP and TLS. */
  readonly connectMs: number
  /** From then on to the first byte of an answer. */
  readonly answerMs: number
}

// A JSON answer has no first byte before its last token: as long as an authorisation of the SDK holds.
const PATIENCE: Patience = { connectMs: 15_000, answerMs: 600_000 }
/** Between two pieces of an answer. */
const BODY_TIMEOUT_MS = 300_000
/** Connections to one provider at most. */
const MAX_CONNECTIONS = 512
/** Idle connections end before a node's own five seconds are over, so that few prompts meet one that just closed. */
const KEEP_ALIVE_MS = 4_000
/** Pools that are kept; each costs nothing while it has no connection. */
const MAX_POOLS = 2_048

/**
 * A connection that dials the very address that was checked, anew for each connection (attacks F2, F5). Raw streams,
 * kept alive; the only file that knows undici.
 */
export function createProviderConnection(
  allowLoopback: boolean,
  patience: Patience = PATIENCE,
): ProviderConnection {
  const pools = new Map<string, Pool>()
  const poolFor = async (endpoint: string, tlsKeys: readonly string[]): Promise<Pool> => {
    const name = `${endpoint} ${tlsKeys.join()}`
    const known = pools.get(name)
    if (known !== undefined) return known
    const origin = parseEndpoint(endpoint)
    // Of an address nobody asks the connector's look-up.
    if (isLiteral(origin)) await resolveEndpoint(endpoint, allowLoopback)
    const pool = pools.get(name) ?? openPool(endpoint, origin, tlsKeys, allowLoopback, patience)
    pools.set(name, pool)
    if (pools.size > MAX_POOLS) evict(pools)
    return pool
  }
  return {
    send: async (endpoint, request) => {
      const pool = await poolFor(endpoint, request.tlsKeys ?? [])
      return ask(pool, request)
    },
    close: async () => {
      const open = [...pools.values()]
      pools.clear()
      await Promise.all(open.map((pool) => pool.destroy()))
    },
  }
}

function ask(
  pool: Pool,
  { method, path, headers, body, signal }: ProviderRequest,
): Promise<ProviderAnswer> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(reasonOf(signal))
      return
    }
    pool.dispatch(
      { method, path, headers: { ...headers, 'accept-encoding': 'identity' }, body: body ?? null },
      new Answering(signal, resolve, reject),
    )
  })
}

/** One request on its way: by undici's own events, since its streams and signals cost more than a small answer. */
class Answering implements Dispatcher.DispatchHandler {
  readonly #signal: EndSignal
  readonly #resolve: (answer: ProviderAnswer) => void
  readonly #reject: (error: Error) => void
  readonly #leave: () => void
  #controller: Dispatcher.DispatchController | undefined
  #body: ArrivingBody | undefined

  constructor(
    signal: EndSignal,
    resolve: (answer: ProviderAnswer) => void,
    reject: (error: Error) => void,
  ) {
    this.#signal = signal
    this.#resolve = resolve
    this.#reject = reject
    this.#leave = () => {
      const reason = reasonOf(signal)
      this.#controller?.abort(reason)
      // Where there is no connection yet, nobody waits for one.
      reject(reason)
    }
    signal.addEventListener('abort', this.#leave)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#signal.aborted) controller.abort(reasonOf(this.#signal))
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    // What comes before an answer is none.
    if (status < 200) return
    this.#body = new ArrivingBody(controller)
    this.#resolve({ status, headers: singleHeaders(headers), body: this.#body })
  }

  onResponseData(_controller: Dispatcher.DispatchController, piece: Buffer): void {
    this.#body?.push(piece)
  }

  onResponseEnd(): void {
    this.#signal.removeEventListener('abort', this.#leave)
    this.#body?.end()
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#signal.removeEventListener('abort', this.#leave)
    this.#body?.fail(error)
    this.#reject(error)
  }
}

function reasonOf({ reason }: EndSignal): Error {
  return reason instanceof Error ? reason : new Error('nobody waits any more')
}

function openPool(
  endpoint: string,
  origin: URL,
  tlsKeys: readonly string[],
  allowLoopback: boolean,
  { connectMs, answerMs }: Patience,
): Pool {
  const resolve = callbackify(() => resolveEndpoint(endpoint, allowLoopback))
  const connector = buildConnector({
    timeout: connectMs,
    // Said here so that NODE_TLS_REJECT_UNAUTHORIZED cannot switch it off (attack B11).
    rejectUnauthorized: true,
    // A resumed session may show no certificate to compare.
    ...(tlsKeys.length > 0 ? { maxCachedSessions: 0 } : {}),
    lookup: (_host, options, callback) => {
      resolve((error, resolved) => {
        if (error !== null) callback(error, '', 4)
        else if (options.all === true) callback(null, [resolved])
        else callback(null, resolved.address, resolved.family)
      })
    },
  })
  return new Pool(origin.origin, {
    connections: MAX_CONNECTIONS,
    pipelining: 1,
    headersTimeout: answerMs,
    bodyTimeout: BODY_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    connect: (options, callback) =>
      connector(options, (error, socket) => {
        if (error !== null) return callback(error, null)
        const keyError = tlsKeys.length > 0 ? wrongKey(socket, tlsKeys) : undefined
        if (keyError === undefined) return callback(null, socket)
        socket.destroy()
        callback(keyError, null)
      }),
  })
}

/** The verified key ends the TLS in the node; any other, however certified, is somebody in between (attack F2). */
function wrongKey(socket: unknown, tlsKeys: readonly string[]): Error | undefined {
  const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined
  const spki = certificate?.publicKey.export({ type: 'spki', format: 'der' })
  const digest = spki === undefined ? '' : createHash('sha256').update(spki).digest('hex')
  return tlsKeys.includes(digest)
    ? undefined
    : new EndpointError('endpoint: another TLS key than the verified one')
}

function evict(pools: Map<string, Pool>): void {
  const [oldest] = pools
  if (oldest === undefined) return
  pools.delete(oldest[0])
  void oldest[1].close()
}

/** Of a header that came twice none is taken. */
function singleHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Readonly<Record<string, string>> {
  const single: Record<string, string> = {}
  for (const name in headers) {
    const value = headers[name]
    if (typeof value === 'string') single[name] = value
  }
  return single
}
