import { once } from 'node:events'
import { createServer, request } from 'node:http'

/** A man in the middle between client and gateway. */
export interface TamperingProxy {
  readonly url: string
  /** From now on, the first occurrence of `from` in a chat answer becomes `to` (same length). */
  tamperWith(from: string, to: string): void
  readonly tampered: () => number
  close(): Promise<void>
}

/** Starts a proxy that passes everything through untouched until told to change an answer. */
export async function startTamperingProxy(upstream: string): Promise<TamperingProxy> {
  let rule: { readonly from: string; readonly to: string } | undefined
  let tampered = 0
  const server = createServer((incoming, outgoing) => {
    const target = new URL(incoming.url ?? '/', upstream)
    const { host: _host, ...headers } = incoming.headers
    const forwarded = request(target, { method: incoming.method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      const chat = target.pathname === '/v1/chat/completions'
      answer.on('data', (chunk: Buffer) => {
        const at = chat && rule !== undefined ? chunk.indexOf(rule.from) : -1
        if (at >= 0 && rule !== undefined) {
          chunk.write(rule.to, at)
          tampered++
          rule = undefined
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
    tamperWith: (from, to) => {
      if (from.length !== to.length) throw new Error('a flipped byte keeps the length')
      rule = { from, to }
    },
    tampered: () => tampered,
    close: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
