import { Socket as DatagramSocket } from 'node:dgram'
import { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Destinations } from './destinations.ts'
import { EgressError } from './egress-error.ts'

/** Told of a connection that was refused. */
export type Refused = (error: EgressError) => void

/** A URL leaves these out. */
const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: '80', https: '443' }

/**
 * Lets this process connect to these places and no other, whatever library asks: every TCP and Unix connection of Node
 * passes `Socket.prototype.connect`, before its name is looked up. What is refused ends with EgressError on its socket.
 * Nothing is sent by UDP. It cannot be taken back, so that nothing that runs later widens it.
 */
export function guardConnections(destinations: Destinations, refused: Refused): void {
  const { outside, inside, sockets } = destinations
  const allowed = new Set([
    ...[...outside, ...inside].map((origin) => placeOfUrl(new URL(origin))),
    ...sockets.map((path) => `unix:${path}`),
  ])
  const connect = Reflect.get(Socket.prototype, 'connect') as (
    this: Socket,
    ...given: unknown[]
  ) => Socket
  function guarded(this: Socket, ...given: unknown[]): Socket {
    const place = placeOf(given, this instanceof TLSSocket)
    if (allowed.has(place)) return connect.apply(this, given)
    const error = new EgressError(place)
    refused(error)
    // As if its name could not be found: whoever asked is listening by then.
    Object.assign(this, { connecting: true })
    setImmediate(() => this.destroy(error))
    return this
  }
  seal(Socket.prototype, 'connect', guarded)
  const noDatagrams = (): never => {
    const error = new EgressError('udp')
    refused(error)
    throw error
  }
  for (const name of ['bind', 'connect', 'send']) seal(DatagramSocket.prototype, name, noDatagrams)
}

function seal(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, writable: false, configurable: false })
}

function placeOfUrl(url: URL): string {
  const scheme = url.protocol.slice(0, -1)
  const port = url.port === '' ? DEFAULT_PORTS[scheme] : url.port
  return `${scheme}://${hostOf(url.hostname)}:${port}`
}

/** A place as `connect` of a socket is told it, in one of its three forms: options, a path, or port and host. */
function placeOf(given: readonly unknown[], secure: boolean): string {
  const [first, second] = given
  // Within Node the arguments come as an array, options first.
  if (Array.isArray(first)) return placeOf(first, secure)
  if (typeof first === 'object' && first !== null) return placeOfOptions({ ...first }, secure)
  if (typeof first === 'string' && !(Number(first) >= 0)) return `unix:${first}`
  const host = typeof second === 'string' ? second : undefined
  return placeOfOptions({ port: first, host }, secure)
}

function placeOfOptions(
  { path, port, host }: { path?: unknown; port?: unknown; host?: unknown },
  secure: boolean,
): string {
  if (typeof path === 'string' && path !== '') return `unix:${path}`
  const name = typeof host === 'string' && host !== '' ? host : 'localhost'
  return `${secure ? 'https' : 'http'}://${hostOf(name)}:${String(port)}`
}

/** One spelling of a host. */
function hostOf(name: string): string {
  return name.replace(/^\[(.*)\]$/, '$1').toLowerCase()
}
