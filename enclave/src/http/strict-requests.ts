import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { errorBody, NODE_ERRORS, NodeError } from './node-error.ts'

/** Beyond these the server would drop headers without a word, an authorisation among them. */
export const MAX_HEADERS = 64

const HOST = /^([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?$/i
/** A path, or a whole URL as a proxy has it. */
const TARGET = /^(\/|https?:\/\/[^/\\])[^\\#]*$/i

/** What is wrong with the head of a request that the parser took; undefined where nothing is. */
export function headRefusal({
  rawHeaders,
  url = '',
  httpVersion,
}: Pick<IncomingMessage, 'rawHeaders' | 'url' | 'httpVersion'>): NodeError | undefined {
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return invalid('request: expected HTTP/1.1')
  const names = rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase())
  const valuesOf = (wanted: string): readonly (string | undefined)[] =>
    names.flatMap((name, at) => (name === wanted ? [rawHeaders[2 * at + 1]] : []))
  if (names.length > MAX_HEADERS) {
    return new NodeError('headers_too_large', `headers: more than ${MAX_HEADERS}`)
  }
  const hosts = valuesOf('host')
  const [host = ''] = hosts
  if (hosts.length !== 1 || !HOST.test(host)) return invalid('host: expected one')
  if (!TARGET.test(url) || !URL.canParse(url.startsWith('/') ? `http://${host}${url}` : url))
    return invalid('target: malformed')
  // Whoever stands before this server may read a body that is coded otherwise to another end.
  const codings = valuesOf('transfer-encoding')
  const isPlain = codings.every((coding) => coding?.toLowerCase() === 'chunked')
  if (codings.length > 1 || !isPlain) return invalid('transfer-encoding: expected chunked')
  if (codings.length === 1 && httpVersion !== '1.1')
    return invalid('transfer-encoding: no HTTP/1.1')
  return undefined
}

/** Answers a request that is not read. What it still sends goes down with its connection. */
export function refuse(response: ServerResponse, error: NodeError): void {
  const body = JSON.stringify(errorBody(error))
  response.writeHead(NODE_ERRORS[error.code].status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    Connection: 'close',
  })
  response.end(body)
}

/** What the parser of Node gave up over, in a code of this node. */
export function parseRefusal({ code }: NodeJS.ErrnoException): NodeError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new NodeError('headers_too_large', 'headers: too large')
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new NodeError('body_too_large', 'body: chunk extensions too large')
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new NodeError('request_timeout', 'request: not received in time')
    case undefined:
    default:
      return invalid('request: not HTTP/1.1')
  }
}

/** Answers on a connection whose request could not be read, and ends it. */
export function refuseRaw(socket: Duplex, error: NodeError, reason: string): void {
  const body = JSON.stringify(errorBody(error))
  const head = [
    `HTTP/1.1 ${NODE_ERRORS[error.code].status} ${reason}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}

function invalid(text: string): NodeError {
  return new NodeError('invalid_request', text)
}
