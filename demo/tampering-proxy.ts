import { once } from 'node:events'
import { createServer, request } from 'node:http'

/** A man in the middle between client and gateway. */
export interface TamperingProxy {
  readonly url: string
  /** One bit of the next chat answer is flipped. */
  flipOneBit(): void
  readonly tampered: () => number
  close(): Promise<void>
}

/** Starts a proxy that passes everything through untouched until told to change an answer. */
export async function startTamperingProxy(upstream: string): Promise<TamperingProxy> {
  let armed = false
  let tampered = 0
  const server = createServer((incoming, outgoing) => {
    const target = new URL(incoming.url ?? '/', upstream)
    const { host: _host, ...headers } = incoming.headers
    const forwarded = request(target, { method: incoming.method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      const chat = target.pathname === '/v1/chat/completions'
      answer.on('data', (chunk: Buffer) => {
        if (chat && armed && chunk.length > 0) {
          const last = chunk.length - 1
          chunk.writeUInt8(chunk.readUInt8(last) ^ 1, last)
          tampered++
          armed = false
        }
        outgoing.write(chunk)
      })
      answer.on('end', () => outgoing.end())
      answer.on('error', () => outgoing.destroy())
    })
    forwarded.on('error', () => outgoing.destroy())
    incoming.pipe(forwarded)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no TCP port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    flipOneBit: () => {
      armed = true
    },
    tampered: () => tampered,
    close: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
