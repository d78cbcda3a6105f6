import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { request } from 'node:http'
import { request as requestSecurely } from 'node:https'
import { connect as connectHttp2 } from 'node:http2'
import { connect, Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { connectUpstream } from '../../../enclave/src/engine/upstream/upstream-connection.ts'
import { guardConnections } from '../../../enclave/src/egress/guard-connections.ts'

/**
 * A process with the guard of a node: it may connect to one origin and one socket, tries every way to connect to each of
 * the places it is given, and prints how each ended.
 * Arguments: port that is allowed, port that is not, path that is allowed, path that is not.
 */
const [allowed = '', other = '', socket = '', otherSocket = ''] = process.argv.slice(2)

const refusals: string[] = []
guardConnections(
  { outside: [`http://127.0.0.1:${allowed}`], inside: [], sockets: [socket] },
  ({ message }) => refusals.push(message),
)

async function connected(make: () => { once: Socket['once']; destroy(): unknown }): Promise<void> {
  const one = make()
  await once(one as Socket, 'connect')
  one.destroy()
}

function answered(make: () => ReturnType<typeof request>): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = make()
    asked.on('error', reject)
    asked.on('response', (answer) => {
      answer.resume()
      answer.on('end', resolve)
    })
    asked.end()
  })
}

const ways: Record<string, (port: string) => Promise<unknown>> = {
  fetch: async (port) => (await fetch(`http://127.0.0.1:${port}/`)).text(),
  upstream: async (port) => {
    const upstream = connectUpstream(`http://127.0.0.1:${port}`)
    try {
      const { body } = await upstream.request('GET', '/', undefined, new AbortController().signal)
      body.destroy()
    } finally {
      await upstream.close()
    }
  },
  http: (port) => answered(() => request({ host: '127.0.0.1', port, agent: false })),
  connect: (port) => connected(() => connect(Number(port), '127.0.0.1')),
  options: (port) => connected(() => connect({ port: Number(port), host: '127.0.0.1' })),
  socket: (port) => connected(() => new Socket().connect(Number(port), '127.0.0.1')),
}
/** Ways that lead to nothing that is allowed. */
const neverWays: Record<string, () => Promise<unknown>> = {
  // The same port by another name, which would have to be looked up.
  name: () => connected(() => connect(Number(allowed), 'localhost')),
  host: () => connected(() => connect(Number(allowed))),
  // Not the scheme that is allowed.
  tls: () => connected(() => connectTls({ port: Number(allowed), host: '127.0.0.1' })),
  https: () => answered(() => requestSecurely({ host: '127.0.0.1', port: allowed, agent: false })),
  fetchSecurely: () => fetch(`https://127.0.0.1:${allowed}/`),
  http2: () =>
    new Promise((resolve, reject) => {
      const session = connectHttp2(`http://127.0.0.1:${other}`).on('error', reject)
      session.request().on('response', resolve).on('error', reject).end()
    }),
  udp: () =>
    new Promise((resolve, reject) => {
      const sender = createSocket('udp4')
      sender.send('x', Number(other), '127.0.0.1', (error) => (error ? reject(error) : resolve(0)))
    }),
}

/** Codes of an error and of what caused it. */
function codesOf(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return []
  const code = 'code' in error ? [String(error.code)] : []
  return [...code, ...codesOf(error.cause)]
}

async function outcome(attempt: () => Promise<unknown>): Promise<string> {
  try {
    await attempt()
    return 'connected'
  } catch (error) {
    return codesOf(error).join(' ')
  }
}

const results: Record<string, string> = {}
for (const [name, way] of Object.entries(ways)) {
  results[`${name} allowed`] = await outcome(() => way(allowed))
  results[`${name} other`] = await outcome(() => way(other))
}
for (const [name, way] of Object.entries(neverWays)) results[name] = await outcome(way)
results['unix allowed'] = await outcome(() => connected(() => connect(socket)))
results['unix other'] = await outcome(() => connected(() => connect({ path: otherSocket })))
results['taken back'] = await outcome(async () => {
  await Promise.resolve()
  Socket.prototype.connect = () => new Socket()
})
process.stdout.write(JSON.stringify({ results, refusals }))
process.exit(0)
