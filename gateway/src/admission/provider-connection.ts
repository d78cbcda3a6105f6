import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest, type RequestOptions } from 'node:https'
import { Readable } from 'node:stream'
import { resolveEndpoint } from './endpoint.ts'

/** A request to a provider. */
export interface ProviderRequest {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  readonly signal: AbortSignal
}

/** What a provider answered; the body is the bytes on the wire. */
export interface ProviderAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>
}

/** Connects to provider-written endpoints and nowhere else. */
export interface ProviderConnection {
  /** No redirects, no decoding; ends with the signal. Throws EndpointError or a network error. */
  send(endpoint: string, request: ProviderRequest): Promise<ProviderAnswer>
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

/** A connection that dials the very address that was checked (attacks F2, F5). */
export function createProviderConnection(
  allowLoopback: boolean,
  { connectMs, answerMs }: Patience = PATIENCE,
): ProviderConnection {
  return {
    send: async (endpoint, { method, path, headers, body, signal }) => {
      const { origin, address, family } = await resolveEndpoint(endpoint, allowLoopback)
      const options: RequestOptions = {
        method,
        headers: {
          ...headers,
          'accept-encoding': 'identity',
          ...(body === undefined ? {} : { 'content-length': String(body.length) }),
        },
        signal,
        // A connection of its own: a node may close a kept one at any time, and that must not look like a node that
        // does not answer (attack F15). A prompt cannot simply be sent again.
        agent: false,
        timeout: connectMs,
        // Said here so that NODE_TLS_REJECT_UNAUTHORIZED cannot switch it off (attack B11).
        rejectUnauthorized: true,
        lookup: (_host, lookupOptions, callback) => {
          if (lookupOptions.all === true) callback(null, [{ address, family }])
          else callback(null, address, family)
        },
      }
      const secure = origin.protocol === 'https:'
      const outgoing = (secure ? httpsRequest : httpRequest)(new URL(path, origin), options)
      outgoing.once('socket', (socket) => {
        socket.once(secure ? 'secureConnect' : 'connect', () => outgoing.setTimeout(answerMs))
      })
      outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')))
      outgoing.end(body)
      const incoming = await answerTo(outgoing)
      outgoing.setTimeout(0)
      return {
        status: incoming.statusCode ?? 502,
        headers: singleHeaders(incoming),
        body: Readable.toWeb(incoming) as ReadableStream<Uint8Array<ArrayBuffer>>,
      }
    },
  }
}

/** Also ends when there is neither answer nor error, as after `101 Switching Protocols`, which nobody asked for. */
function answerTo(outgoing: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    outgoing.once('response', resolve)
    outgoing.on('error', reject)
    outgoing.once('close', () => reject(new Error('closed without an answer')))
  })
}

function singleHeaders({ headers }: IncomingMessage): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      typeof value === 'string' ? [[name, value]] : [],
    ),
  )
}
